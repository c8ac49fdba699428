#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcreate: the bytes of a new store, what it refuses to overwrite, what it says about room, tables and JSON.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
}

teardown() {
    loops_detach
    [ -z "${mounted-}" ] || umount "$mounted"
}

# An origin of 254 chunks of 4 KiB and a COW full of something.
pair() {
    contents origin $((254 * 4096)) origin
    contents cow "${1-$((256 * 4096))}" cow
    cp cow before
}

# A header of that chunk size, area 0 empty: the store of format.md.
assert_empty_store() {
    local file=$1 sectors=$2
    assert_equal "$(hex "$file" 0 12)" 536e41700100000001000000
    assert_equal "$(number "$file" 12 4)" "$sectors"
    zero "$file" $((sectors * 512)) $((sectors * 512))
}

# --- the bytes ---------------------------------------------------------------------------------
@test "a store of the default chunk size: header, empty area 0, nothing else touched" {
    pair
    program snapcreate -f --origin origin --cow cow
    assert_status 0
    assert_equal "$output" ""
    assert_empty_store cow 8
    same cow before 8192 $((254 * 4096))
    assert_equal "$(stat -c %s cow)" $((256 * 4096))
    assert_said "cow: made a store with chunks of 4 KiB and 0 entries"
}

@test "each chunk size up to 1 MiB gives a store of that chunk size" {
    local sectors
    contents origin 1048576 origin
    for ((sectors = 1; sectors <= 2048; sectors *= 2)); do
        program snapcreate --quiet --origin origin --cow "$sectors" --chunk-size "${sectors}s" \
            --size $((sectors * 4))s
        assert_status 0
        assert_equal "$stderr" ""
        assert_empty_store "$sectors" "$sectors"
        program snapcheck --origin origin "$sectors"
        assert_status 0
    done
}

@test "chunk sizes up to 1 GiB are taken, in any unit" {
    local size
    truncate -s 1G origin
    for size in 2M 4MiB 8388608 32768s 32M 64M 128M 256M 512M 1G; do
        program snapcreate --dry-run --json --origin origin --cow new --chunk-size "$size" --size max
        assert_status 0
    done
    assert_json .result.chunk_sectors 2097152
}

@test "chunk sizes that the kernel refuses are refused" {
    local size
    pair
    for size in 3K 4097 1000 2G 4G 1535 513; do
        program snapcreate --origin origin --cow cow --chunk-size "$size"
        assert_status 16
        assert_said "--chunk-size "
        assert_said "powers of two from 512 bytes to 1 GiB"
    done
    cmp cow before
}

@test "the identity record: what it says of the origin, and its checksum" {
    mke2fs -q -t ext4 -L root -U 2e3c2c5e-45e1-4a6b-8a66-6d9d2a3f7a10 origin 1M
    local first last
    first=$(date +%s)
    program snapcreate --origin origin --cow cow --size 1M --chunk-size 8K --label "before the upgrade"
    assert_status 0
    last=$(date +%s)
    assert_equal "$(text cow 16 8)" dmsnapID
    assert_equal "$(number cow 24 2) $(number cow 26 2)" "1 480"
    assert_equal "$(hex cow 38 1 | cut -c1)$((16#$(hex cow 40 1) >> 6))" 42 # a random UUID: version 4, variant 2
    assert_equal "$(number cow 48 8)" 2048
    [ "$(number cow 56 8)" -ge "$first" ]
    [ "$(number cow 56 8)" -le "$last" ]
    assert_equal "$(number cow 64 4) $(number cow 68 4)" "16 0"
    zero cow 72 16
    assert_equal "$(text cow 88 16)" ext4
    assert_equal "$(text cow 104 40)" 2e3c2c5e-45e1-4a6b-8a66-6d9d2a3f7a10
    zero cow 144 248
    assert_equal "$(text cow 392 64)" "before the upgrade"
    zero cow 456 56
    # CRC-32C of bytes 16..495 with its own field zero
    run perl -e '
        local $/; my $bytes = substr(<STDIN>, 16, 480); my $crc = 0xffffffff;
        substr($bytes, 12, 4) = "\0" x 4;
        for my $byte (unpack("C*", $bytes)) {
            $crc ^= $byte;
            $crc = $crc >> 1 ^ ($crc & 1 ? 0x82f63b78 : 0) for 1 .. 8;
        }
        print $crc ^ 0xffffffff' <cow
    assert_output "$(number cow 28 4)"
}

@test "two stores never have the same id" {
    contents origin 100000 origin
    program snapcreate --origin origin --cow one --size max
    program snapcreate --origin origin --cow two --size max
    [ "$(hex one 32 16)" != "$(hex two 32 16)" ]
}

@test "a label that does not fit the record is refused" {
    contents origin 100000 origin
    program snapcreate --origin origin --cow cow --size max --label "$(printf 'x%.0s' {1..65})"
    assert_status 16
    assert_said "--label: the store keeps at most 64 bytes, and this label has 65"
    assert [ ! -e cow ]
    program snapcreate --origin origin --cow cow --size max --label "$(printf 'x%.0s' {1..64})"
    assert_status 0
    assert_equal "$(text cow 392 64)" "$(printf 'x%.0s' {1..64})"
}

@test "--no-identity leaves the rest of chunk 0 zero" {
    pair
    program snapcreate -f --no-identity --origin origin --cow cow
    assert_status 0
    assert_empty_store cow 8
    zero cow 16 $((4096 - 16))
    program snapcheck --origin origin cow
    assert_status 0
}

# --- what is there already ---------------------------------------------------------------------
# refused TEXT: by the plain call, which leaves the COW alone; --force makes a store of it.
overwritten_by_force_only() {
    contents origin 1000000 origin
    cp cow before
    program snapcreate --origin origin --cow cow
    assert_status 8
    assert_said "snapcreate: cow: it holds $1"
    assert_said "-f overwrites it"
    assert_said "Nothing was written."
    cmp cow before
    program snapcreate --dry-run --origin origin --cow cow
    assert_status 8
    program snapcreate --force --dry-run --origin origin --cow cow
    assert_status 0
    cmp cow before
    program snapcreate -f --origin origin --cow cow
    assert_status 0
    assert_empty_store cow 8
    program snapcheck --origin origin cow
    assert_status 0
}

@test "a COW with an ext4 file system: only -f overwrites it" {
    mke2fs -q -t ext4 -L precious cow 1M
    overwritten_by_force_only 'ext4 "precious"'
}

@test "a COW that is an image of another format, a packed file, or anything else: only -f overwrites it" {
    contents cow 1048576 cow
    overwritten_by_force_only "contents that are not known: its first 4 KiB are not blank"
    printf 'QFI\373\0\0\0\3' | dd of=cow conv=notrunc status=none
    overwritten_by_force_only "a qcow2 image"
    head -c 900000 /dev/urandom | gzip -n >cow
    truncate -s 1M cow
    overwritten_by_force_only "a file packed with gzip"
    # The last byte of the first 4 KiB counts, the next one does not.
    truncate -s 0 cow
    truncate -s 1M cow
    printf x | dd of=cow bs=1 seek=4095 conv=notrunc status=none
    overwritten_by_force_only "contents that are not known: its first 4 KiB are not blank"
    truncate -s 0 cow
    truncate -s 1M cow
    printf x | dd of=cow bs=1 seek=4096 conv=notrunc status=none
    program snapcreate --origin origin --cow cow
    assert_status 0
}

@test "contents that are not known: -f asks on a terminal" {
    pair
    on_terminal n snapcreate -f --origin origin --cow cow
    assert_equal "$status" 8
    assert_shown "cow: it holds contents that are not known: its first 4 KiB are not blank. Overwrite it?"
    cmp cow before
    on_terminal y snapcreate -f --origin origin --cow cow
    assert_equal "$status" 0
    assert_empty_store cow 8
}

@test "what a run leaves that is killed before it writes the header is blank" {
    contents origin 1000000 origin
    program snapcreate --origin origin --cow cow --size 1M
    dd if=/dev/zero of=cow bs=512 count=1 conv=notrunc status=none
    assert [ -n "$(text cow 512 8)" ] # its fingerprint
    program snapcreate --origin origin --cow cow
    assert_status 0
    assert_empty_store cow 8
}

@test "a COW that is swap: only -f overwrites it" {
    contents cow 1048576 cow
    mkswap --label memory cow
    overwritten_by_force_only 'swap "memory"'
}

@test "a COW that is an LVM physical volume: only -f overwrites it" {
    truncate -s 2M cow # libblkid looks for neither this nor arrays on what is as small as a floppy
    perl -e '
        my $rest = pack("V a8 a32 Q<", 32, "LVM2 001", "abcdefABCDEFabcdefABCDEFabcdefAB", 1048576);
        $rest .= "\0" x (512 - 20 - length($rest));
        my $crc = 0xf597a6cf;
        for my $byte (unpack("C*", $rest)) {
            $crc ^= $byte;
            $crc = $crc >> 1 ^ ($crc & 1 ? 0xedb88320 : 0) for 1 .. 8;
        }
        print "LABELONE" . pack("Q< V", 1, $crc) . $rest' | dd of=cow bs=512 seek=1 conv=notrunc status=none
    overwritten_by_force_only LVM2_member
}

@test "a COW that is a member of an array, known by its last sectors: only -f overwrites it" {
    truncate -s 2M cow
    perl -e '
        my $sectors = (4096 - 16) & ~7;
        my $super = pack("V4 a16 a32", 0xa92b4efc, 1, 0, 0, "0123456789abcdef", "host:array") . "\0" x 192;
        substr($super, 128, 24) = pack("Q<3", 0, 2000, $sectors);
        my $sum = 0;
        $sum += $_ for unpack("V64", $super);
        substr($super, 216, 4) = pack("V", ($sum & 0xffffffff) + ($sum >> 32));
        print $super' | dd of=cow bs=512 seek=4080 conv=notrunc status=none
    overwritten_by_force_only 'linux_raid_member "host:array"'
}

@test "a COW with a DOS partition table: only -f overwrites it" {
    truncate -s 4M cow
    perl -e 'print "\0" x 440 . pack("V v", 0x12345678, 0) .
        pack("C8 V2", 0, 0, 2, 0, 0x83, 0, 3, 0, 2048, 4096) .
        "\0" x 48 . "\x55\xaa"' | dd of=cow conv=notrunc status=none
    overwritten_by_force_only 'dos partition table (PTUUID 12345678)'
}

@test "a COW with a GPT: only -f overwrites it" {
    truncate -s 4M cow
    perl -e '
        sub crc { my $crc = 0xffffffff; for my $byte (unpack("C*", $_[0])) {
            $crc ^= $byte; $crc = $crc >> 1 ^ ($crc & 1 ? 0xedb88320 : 0) for 1 .. 8; } $crc ^ 0xffffffff }
        my $entries = "\0" x 16384;
        my $header = "EFI PART" . pack("V4 Q<4 a16 Q< V3", 0x10000, 92, 0, 0, 1, 8191, 34, 8158, "0123456789abcdef",
                                       2, 128, 128, crc($entries));
        substr($header, 16, 4) = pack("V", crc($header));
        print "\0" x 446 . pack("C8 V2", 0, 0, 2, 0, 0xee, 255, 255, 255, 1, 8191) . "\0" x 48 . "\x55\xaa" .
            $header . "\0" x 420 . $entries' | dd of=cow conv=notrunc status=none
    overwritten_by_force_only 'gpt partition table (PTUUID 33323130-3534-3736-3839-616263646566)'
}

@test "a COW that libblkid fails on: only -f overwrites it" {
    load system_calls
    need_strace
    [ "$(id -u)" -eq 0 ] || skip "needs root, for only its child gives up groups"
    pair 4194304
    local calls=(-e trace=setgroups -e inject=setgroups:signal=KILL)
    : >trace
    remember cow
    traced "${calls[@]}" -- snapcreate --origin origin --cow cow
    assert_status 8
    assert_said "cow: it holds contents that libblkid failed on; -f overwrites it"
    assert_said "Nothing was written."
    assert_untouched
    traced "${calls[@]}" -- snapcreate -f --origin origin --cow cow
    assert_status 0
}

@test "a store is named with its number of entries; -f makes it an empty one" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/areas-chunks.recipe" cow recipe-origin
    overwritten_by_force_only "a snapshot store with 600 entries"
    program snapinspect --json cow
    assert_json .result.entries 0
}

@test "an invalid store is named too" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/invalid.recipe" cow recipe-origin
    overwritten_by_force_only "a snapshot store that is invalid or damaged"
}

@test "the list of a store whose header was zeroed, or overwritten, is named too" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/areas-chunks.recipe" cow recipe-origin
    cp cow whole
    dd if=/dev/zero of=cow bs=512 count=1 conv=notrunc status=none
    overwritten_by_force_only "what is left of a store: the header is zeroed, but 600 entries of a store with chunks of 4 KiB stand"
    cp whole cow
    printf 'this is no header' | dd of=cow conv=notrunc status=none
    overwritten_by_force_only "what is left of a store: the header is overwritten, but 600 entries of a store with chunks of"
    # An empty list is nothing that would be lost.
    rm cow
    program snapcreate --no-identity --origin origin --cow cow --size 1M
    dd if=/dev/zero of=cow bs=512 count=1 conv=notrunc status=none
    program snapcreate --origin origin --cow cow
    assert_status 0
}

@test "-f on a terminal shows what is lost and asks: n leaves it, y and -y overwrite it" {
    mke2fs -q -t ext4 -L root origin 8M 2>/dev/null
    program snapcreate --origin origin --cow cow --size 1M --label monday
    assert_status 0
    cp cow before
    on_terminal n snapcreate -f --origin origin --cow cow --label tuesday
    assert_equal "$status" 8
    assert_shown 'cow: it holds a snapshot store with 0 entries, label "monday", of an origin with ext4. Overwrite it?'
    assert_shown "not overwritten: you answered no"
    cmp cow before
    program snapcreate -n -f --origin origin --cow cow
    assert_said 'with 0 entries, label "monday", of an origin with ext4, which would be overwritten'
    cmp cow before
    on_terminal y snapcreate -f --origin origin --cow cow --label tuesday
    assert_equal "$status" 0
    on_terminal n snapcreate -y -f --origin origin --cow cow --label wednesday
    assert_equal "$status" 0
    program snapinspect --json cow
    assert_json .result.identity.label wednesday
}

@test "an origin that is a store, with a file system on the COW: they are swapped, and -f does not help" {
    mke2fs -q -t ext4 origin 8M 2>/dev/null
    program snapcreate --origin origin --cow cow --size 1M
    cp origin before
    local force
    for force in "" -f; do
        program snapcreate $force --origin cow --cow origin
        assert_status 8
        assert_said "origin and COW are swapped; use --origin origin --cow cow"
        cmp origin before
    done
}

# --- block sizes -------------------------------------------------------------------------------
@test "a chunk smaller than a logical block of the origin, or of the COW, is refused" {
    need_loops
    pair
    loop_over origin --sector-size 4096
    program snapcreate -f --origin "$loop" --cow cow --chunk-size 2K
    assert_status 8
    assert_said "$loop: its logical blocks have 4096 bytes"
    assert_said "Nothing was written."
    cmp cow before
    loops_detach
    loop_over cow --sector-size 4096
    program snapcreate -f --origin origin --cow "$loop" --chunk-size 2K
    assert_status 8
    assert_said "$loop: its logical blocks have 4096 bytes"
    cmp cow before
    program snapcreate -f --origin origin --cow "$loop" --chunk-size 4K
    assert_status 0
    loops_detach
    assert_empty_store cow 8
}

# --- room --------------------------------------------------------------------------------------
@test "too small a COW is refused, with the size it takes; three chunks are enough" {
    pair $((3 * 4096 - 512))
    program snapcreate -f --origin origin --cow cow
    assert_status 8
    assert_said "cow: 23 sectors have no room for a single entry"
    assert_said "at least 24"
    cmp cow before
    rm cow
    program snapcreate --origin origin --cow cow --size 8K
    assert_status 8
    assert [ ! -e cow ]
    program snapcreate --json --origin origin --cow cow --size 12K
    assert_status 0
    assert_json .result.capacity_entries 1
}

@test "room for all chunks of the origin: it can never overflow" {
    pair $((256 * 4096))
    program snapcreate -f --json --origin origin --cow cow
    assert_status 0
    assert_said "cow: it has room for all 254 chunks of the origin and can never overflow"
    assert_json '.result | "\(.capacity_entries) \(.origin_chunks) \(.can_overflow)"' "254 254 false"
}

@test "room for one chunk less: where it overflows, and the size at which it cannot" {
    pair $((255 * 4096))
    program snapcreate -f --json --origin origin --cow cow
    assert_status 0
    assert_said "cow: it has room for 253 of the origin's 254 chunks (1012 KiB), and one more would overflow it"
    assert_said "with 2048 sectors it could never overflow"
    assert_json '.result | "\(.capacity_entries) \(.origin_chunks) \(.can_overflow)"' "253 254 true"
}

@test "an origin that ends inside a chunk counts that chunk" {
    contents origin $((254 * 4096 + 512)) origin
    truncate -s $((256 * 4096)) cow
    program snapcreate --origin origin --cow cow
    assert_status 0
    assert_said "room for 254 of the origin's 255 chunks"
}

# Chunks of a sector, 32 entries to an area: 34 chunks hold a header, an area and 32 data chunks, but the 32nd entry
# would need the next area.
@test "the size whose last chunk is a trap is said; a chunk more or less is none" {
    local chunks
    contents origin 51200 origin
    for chunks in 33 34 35; do
        program snapcreate --json --origin origin --cow "$chunks" --chunk-size 512 --size $((chunks * 512))
        assert_status 0
        case $chunks in
        34)
            assert_said "warning: 34: avoid this size"
            assert_said "with 1 sector more it holds 32 chunks"
            assert_json '.result | "\(.capacity_entries) \(.exact_fit)"' "31 true"
            ;;
        *)
            assert_not_said trap
            assert_json '.result | "\(.capacity_entries) \(.exact_fit)"' "$((chunks - 2 - chunks / 35)) false"
            ;;
        esac
    done
}

# --- new images --------------------------------------------------------------------------------
@test "--size makes a sparse image of that size, for its owner alone" {
    contents origin 1048576 origin
    program snapcreate --origin origin --cow cow --size 10G
    assert_status 0
    assert_equal "$(stat -c '%s %a' cow)" "$((10 << 30)) 600"
    [ "$(blocks cow)" -lt 256 ]
    assert_empty_store cow 8
}

@test "--size max: as large as it takes, and a chunk less would overflow" {
    local chunks size
    for chunks in 1 30 31 32 33 63 64 65 1000; do
        contents origin $((chunks * 512)) origin
        rm -f cow
        program snapcreate --json --origin origin --cow cow --chunk-size 512 --size max
        assert_status 0
        assert_json '.result | "\(.capacity_entries >= '$chunks') \(.can_overflow)"' "true false"
        size=$(stat -c %s cow)
        rm cow
        [ "$chunks" -gt 1 ] || continue
        program snapcreate --dry-run --json --origin origin --cow cow --chunk-size 512 --size $((size - 512))
        assert_json '.result | "\(.capacity_entries < '$chunks') \(.can_overflow)"' "true true"
    done
}

@test "--size over an existing file is refused, also with -f" {
    pair
    program snapcreate -f --origin origin --cow cow --size 1M
    assert_status 8
    assert_said "cow: it exists already"
    assert_said "Nothing was written."
    cmp cow before
}

@test "--size that is no whole number of sectors is refused" {
    contents origin 100000 origin
    program snapcreate --origin origin --cow cow --size 1000000
    assert_status 16
    assert [ ! -e cow ]
}

@test "-n says all and makes no file" {
    contents origin 100000 origin
    program snapcreate -n --origin origin --cow cow --size max --print-table P
    assert_status 0
    assert_said "can never overflow"
    assert_said "Nothing was written."
    assert_shown "0 195 snapshot origin cow P 8"
    assert [ ! -e cow ]
}

@test "-n leaves an existing COW alone" {
    pair
    program snapcreate -f -n --json --origin origin --cow cow
    assert_status 0
    assert_json .result.written false
    cmp cow before
}

# --- output ------------------------------------------------------------------------------------
@test "--print-table: the lines for snapshot, snapshot-origin and snapshot-merge" {
    need_loops
    pair
    loop_over origin
    local origin_loop=$loop
    loop_over cow
    program snapcreate -f --print-table P --origin "$origin_loop" --cow "$loop"
    assert_status 0
    assert_equal "$output" "0 2032 snapshot $origin_loop $loop P 8
0 2032 snapshot-origin $origin_loop
0 2032 snapshot-merge $origin_loop $loop P 8"
    assert_not_said losetup
    program snapcreate -f --print-table PO --chunk-size 16K --origin "$origin_loop" --cow "$loop"
    assert_status 0
    assert_equal "$output" "0 2032 snapshot $origin_loop $loop PO 32
0 2032 snapshot-origin $origin_loop
0 2032 snapshot-merge $origin_loop $loop PO 32"
}

@test "--print-table over files says that dmsetup takes none, and what to type" {
    contents origin 100000 origin
    program snapcreate --print-table P --origin origin --cow "cow.img" --size max
    assert_status 0
    assert_said "warning: origin: dmsetup does not take files; this gives a device to put there: losetup --find --show origin"
    assert_said "warning: cow.img: dmsetup does not take files; this gives a device to put there: losetup --find --show cow.img"
}

@test "--json: the store as data" {
    contents origin 100000 origin
    program snapcreate --json --print-table PO --origin origin --cow cow --size max
    assert_status 0
    assert_json '.dmsnap | "\(.schema) \(.program)"' "1 snapcreate"
    assert_json '"\(.device) \(.origin) \(.exit_status)"' "cow origin 0"
    assert_json '.result | "\(.written) \(.chunk_sectors) \(.cow_sectors) \(.entries)"' \
        "true 8 $(($(stat -c %s cow) / 512)) 0"
    assert_json '.result.store_id' \
        "$(hex cow 32 16 | sed 's/^\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)/\1-\2-\3-\4-/')"
    assert_json '.result.tables | length' 3
    assert_json '.result.tables[0]' "0 195 snapshot origin cow PO 8"
    program snapcreate --json --no-identity -f --origin origin --cow cow
    assert_json .result.store_id null
}

# --- failure -----------------------------------------------------------------------------------
# limited KIB ARGUMENT...: snapcreate, which may make no file larger than that.
limited() {
    # shellcheck disable=SC2016,SC2086
    run --separate-stderr bash -c 'trap "" XFSZ; ulimit -f "$1"; shift; exec "$@"' bash "$1" $WRAPPER \
        "$BUILDDIR/tools/snapcreate" "${@:2}"
}

@test "a failure in the middle removes the new image" {
    contents origin 1000000 origin
    contents new 1000000 new
    load system_calls
    need_strace
    traced -e inject=fdatasync:error=ENOSPC:when=2 -- snapcreate --origin origin --cow cow --size 2M --from-diff new
    assert_status 8
    assert_said "cow: flush failed: No space left on device"
    assert_said "cow was removed again."
    assert [ ! -e cow ]
}

@test "a failure in the middle over an existing COW: it holds no store, and that is said" {
    contents origin 1000000 origin
    contents new 1000000 new
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/one-entry.recipe" cow recipe-origin
    truncate -s 2M cow
    limited 980 -f --origin origin --cow cow --from-diff new
    assert_status 8
    assert_said "cow holds no store now; "
    assert_not_said "Nothing was written."
    zero cow 0 512
}

@test "a full file system: nothing is made" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount a small file system"
    mkdir small
    mount -t tmpfs -o size=64k none small
    mounted=$dir/small
    contents origin 1000000 origin
    contents new 1000000 new
    program snapcreate --origin origin --cow small/cow --size max --from-diff new
    assert_status 8
    assert_said "small/cow: "
    assert_said "only 65536 are free; make room for "
    assert_said "Nothing was written."
    assert [ ! -e small/cow ]
}

@test "-f leaves nothing by which the COW could be taken for what it was" {
    truncate -s 64M origin
    local size
    for size in 512 4K 64K; do
        rm -f cow
        truncate -s 20M cow
        mke2fs -q -F -t ext4 cow
        program snapcreate -f --origin origin --cow cow --chunk-size "$size"
        assert_status 0
        assert_equal "$(blkid -p -o value -s TYPE cow)" DM_snapshot_cow
    done
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapinspect: figures as the kernel would give them, the list in all its forms, the extracted view, what is in it.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
}

teardown() {
    loops_detach
}

# recipe NAME: origin, cow, view in the folder.
recipe() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
}

# --- figures -----------------------------------------------------------------------------------
@test "entries, runs and the kernel's three figures, for every sound recipe" {
    local name count=0 figures
    for file in "$SRCDIR"/tests/images/*.recipe; do
        grep -q '^expect inspect 0' "$file" && grep -q '^expect merge 0' "$file" || continue
        name=${file##*/}
        recipe "${name%.recipe}"
        echo "# $name"
        program snapinspect --json cow
        assert_status 0
        figures=$(walk cow figures)
        assert_json '.result | [.entries, .runs] + (.usage | [.allocated_sectors, .total_sectors, .metadata_sectors]) |
            join(" ")' "$figures"
        read -r _ _ allocated total metadata <<<"$figures"
        program snapinspect cow
        assert_status 0
        assert_shown "usage       $allocated/$total $metadata sectors"
        count=$((count + 1))
    done
    [ "$count" -ge 10 ]
}

@test "an empty store has allocated as many sectors as its metadata take" {
    recipe empty
    program snapinspect cow
    assert_shown "usage       16/$(($(stat -c %s cow) / 512)) 16 sectors"
    assert_shown "entries     0 in 0 runs"
}

@test "an area that is exactly full: the next area counts already" {
    recipe area-exactly-full
    local sectors
    sectors=$(number cow 12 4)
    program snapinspect --json cow
    assert_json .result.entries $((sectors * 32))
    assert_json .result.usage.metadata_sectors $((3 * sectors))
    assert_json .result.usage.allocated_sectors $(((3 + sectors * 32) * sectors))
}

@test "free chunks: so many more can be copied, and capacity is what there is in all" {
    contents origin $((254 * 4096)) origin
    cp origin new
    printf 'changed' | dd of=new bs=1 seek=50000 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --from-diff new --size 100s
    assert_status 0
    program snapinspect cow
    assert_shown "free        9 of 10 chunks"
    assert_shown "entries     1 in 1 run, 4 KiB"
}

@test "a label cannot imitate the rest of its line" {
    mke2fs -q -t ext4 -L 'a" (\b) "c' origin 1M
    program snapcreate --origin origin --cow cow --size 10M --label 'x", label "y\'
    program snapinspect --origin origin cow
    assert_shown 'cow: 10 MiB, chunks of 4 KiB, label "x\", label \"y\\"'
    assert_shown 'origin: 1 MiB, ext4 "a\" (\\b) \"c" (UUID '
}

# The UUID of an ISO image is its date, and libblkid takes whatever stands there.
@test "a UUID cannot imitate the rest of its line, nor can the record's" {
    perl -e '
        my $iso = "\0" x 65536;
        substr($iso, 32768, 7) = "\1CD001\1";
        substr($iso, 32808, 32) = sprintf("%-32s", "LAB");
        substr($iso, 33581, 17) = substr($iso, 33598, 17) = "2), clean, \"0\" o\0";
        substr($iso, 34816, 7) = "\xffCD001\1";
        print $iso' >origin
    program snapcreate --origin origin --cow cow --size 1M
    assert_status 0
    program snapinspect --origin origin cow
    assert_status 0
    grep -qE 'iso9660 "LAB" \(UUID "2\), [^"]*\\"-?0\\"[^"]*"\)$' <<<"$output"
    grep -qE '^made for    64 KiB, iso9660 \(UUID "2\), [^"]*\\"-?0\\"[^"]*"\)$' <<<"$output"
    truncate -s 64K plain
    program snapcreate --origin plain --cow origin
    assert_status 8
    grep -qE 'it holds iso9660 "LAB" \(UUID "2\), [^"]*\\"-?0\\"[^"]*"\); ' <<<"$stderr"
}

@test "the header, and the identity record with its label" {
    mke2fs -q -t ext4 -L root -U 2e3c2c5e-45e1-4a6b-8a66-6d9d2a3f7a10 origin 1M
    program snapcreate --origin origin --cow cow --size 10M --chunk-size 16K --label "before the upgrade"
    program snapinspect cow
    assert_status 0
    assert_shown "COW         cow: 10 MiB, chunks of 16 KiB, label \"before the upgrade\""
    assert_shown "header      version 1, valid 1, chunks of 32 sectors"
    assert_shown "made for    1 MiB, ext4 (UUID 2e3c2c5e-45e1-4a6b-8a66-6d9d2a3f7a10)"
    program snapinspect --json cow
    assert_json '.result.identity | "\(.origin_sectors) \(.label) \(.fs_uuid)"' \
        "2048 before the upgrade 2e3c2c5e-45e1-4a6b-8a66-6d9d2a3f7a10"
    assert_json '.result.header | "\(.version) \(.valid) \(.chunk_sectors)"' "1 1 32"
    program snapcreate -f --no-identity --origin origin --cow cow
    program snapinspect cow
    assert_shown "identity    none recorded"
    assert_equal "$(grep -c '^fingerprint' <<<"$output")" 0
}

@test "the fingerprint: how much of it still says something; damaged, newer, none" {
    contents origin $((100 * 4096)) origin
    cp origin new
    printf 'changed' | dd of=new bs=1 seek=20480 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff new
    program snapinspect cow
    assert_shown "fingerprint 100 samples, 1 masked"
    program snapinspect --json cow
    assert_json '.result.fingerprint | "\(.samples) \(.masked)"' "100 1"
    printf 'x' | dd of=cow bs=1 seek=700 conv=notrunc status=none
    program snapinspect cow
    assert_shown "fingerprint a damaged one"
    printf '\2' | dd of=cow bs=1 seek=520 conv=notrunc status=none
    program snapinspect cow
    assert_shown "fingerprint one of a newer version"
    dd if=/dev/zero of=cow bs=512 seek=1 count=1 conv=notrunc status=none
    program snapinspect cow
    assert_shown "fingerprint none"
    program snapinspect --json cow
    assert_json .result.fingerprint null
}

@test "a chunk number with its top byte set: no figure that has wrapped" {
    local top
    for top in '\x01' '\xff'; do
        recipe unordered
        # slot 1: the top bytes of old and new
        printf '%b' "$top" | dd of=cow bs=1 seek=$((4096 + 16 + 7)) conv=notrunc status=none
        printf '%b' "$top" | dd of=cow bs=1 seek=$((4096 + 24 + 7)) conv=notrunc status=none
        program snapinspect cow
        assert_status 4
        grep -qE '^usage .* sectors, as the kernel counts: an entry names data chunk 0x.*2, which this device' <<<"$output"
        assert_shown "free        0 of "
        program snapinspect --list --raw --noheadings cow
        grep -qE "^1 chunk:0x(1|ff)00000000000014 chunk:0x(1|ff)00000000000002 4KiB 1$" <<<"$output"
        program snapinspect --list --json cow
        assert_equal "$(jq -r 'select(.index == 1) | "\(.origin_offset_bytes) \(.cow_offset_bytes)"' <<<"$output")" \
            "null null"
    done
}

@test "a record with a size beyond 2^64 bytes: it is shown in sectors" {
    truncate -s 1M origin
    contents new 1048576 new
    program snapcreate --origin origin --cow cow --size max --from-diff new
    perl -e '
        # origin_sectors of the record, and its checksum anew (dmsnap-store(5), IDENTITY RECORD)
        my @table = map { my $c = $_; $c = $c >> 1 ^ ($c & 1 ? 0x82f63b78 : 0) for 1 .. 8; $c } 0 .. 255;
        open(my $file, "+<:raw", "cow") or die;
        read($file, my $sector, 512) == 512 or die;
        substr($sector, 48, 8) = pack("Q<", 1 << 60);
        substr($sector, 28, 4) = pack("V", 0);
        my $crc = 0xffffffff;
        $crc = $crc >> 8 ^ $table[($crc ^ $_) & 255] for unpack("C*", substr($sector, 16, 480));
        substr($sector, 28, 4) = pack("V", $crc ^ 0xffffffff);
        seek($file, 0, 0) and print $file $sector or die'
    program snapinspect cow
    assert_status 0
    assert_shown "made for    1152921504606846976 sectors, nothing known"
    program snapmerge -n --origin origin --cow cow
    assert_status 8
    assert_said "made for an origin of 1152921504606846976 sectors, but this one has 2048; if you know that origin is"
    [[ $stderr != *' 0 bytes'* ]]
}

@test "-b prints bytes, and no other unit beside them" {
    recipe areas-chunks
    program snapinspect -b cow
    assert_status 0
    assert_shown "COW         cow: 3686400 bytes"
    assert_shown "(2473984 bytes of 3686400 bytes, 16384 bytes of it metadata)"
    [[ $output != *iB* ]]
}

@test "what is in the origin and what is in the view: another file system in the snapshot" {
    mke2fs -q -t ext4 -L before origin 1M
    mke2fs -q -t ext4 -L after new 1M
    program snapcreate --accept=identity --origin origin --cow cow --size max --from-diff new
    assert_status 0
    program snapinspect --origin origin cow
    assert_status 0
    assert_shown 'origin      origin: 1 MiB, ext4 "before"'
    assert_shown 'view        ext4 "after"'
    program snapinspect --json --origin origin cow
    assert_json '.result | "\(.on_origin.label) \(.in_view.label)"' "before after"
    assert_json .result.in_view.uuid "$(blkid -o value -s UUID new)"
}

# The lines about the two devices, the entries and the pair, without blanks at their ends.
pair_lines() {
    sed -n 's/[[:space:]]*$//; /^\(origin\|COW\|entries\|view\|pair\) /p' <<<"$output"
}

@test "one layout: the figures, the dry runs and the questions have the same lines, with all that identifies" {
    local inspected name
    command -v mkfs.btrfs >/dev/null || skip "needs btrfs-progs"
    truncate -s 120M origin
    mkfs.btrfs -q -L "a \"root\"" origin
    cp origin new
    printf changed | dd of=new bs=1 seek=5M conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff new --label before
    assert_status 0
    program snapinspect --origin origin cow
    inspected=$(pair_lines)
    assert_equal "$(wc -l <<<"$inspected")" 5
    assert_shown "UUID $(blkid -p -o value -s UUID origin), UUID_SUB $(blkid -p -o value -s UUID_SUB origin))"
    assert_shown 'btrfs "a \"root\"" (UUID '
    assert_shown ', label "before"'
    grep -q "^made for    120 MiB, btrfs (UUID .*, UUID_SUB $(blkid -p -o value -s UUID_SUB origin))" <<<"$output"
    program snapmerge -n --origin origin --cow cow
    assert_equal "$(pair_lines)" "$inspected"
    program snapmerge -n --output third --origin origin --cow cow
    assert_equal "$(pair_lines)" "$inspected"
    program snapinspect -n --extract third --origin origin cow
    assert_equal "$(pair_lines)" "$inspected"
    for name in "snapmerge" "snapmerge --output third" "snapinspect --extract third" "snapcreate -f --identify"; do
        # shellcheck disable=SC2086
        on_terminal n $name --origin origin --cow cow
        assert_equal "$(pair_lines)" "$inspected"
    done
    program snapinspect --json --origin origin cow
    assert_json .result.on_origin.uuid_sub "$(blkid -p -o value -s UUID_SUB origin)"
    assert_json .result.identity.uuid_sub "$(blkid -p -o value -s UUID_SUB origin)"
    program snapinspect -b --origin origin cow
    [[ $output != *iB* ]]
}

@test "one layout: a partition table, with its UUID" {
    perl -e 'print "\0" x 440, pack("V x2", 0x89abcdef), pack("C x3 C x3 V2", 0, 0x83, 8, 1024), "\0" x 48, "\x55\xaa"' >origin
    truncate -s 2M origin
    program snapcreate --origin origin --cow cow --size 1M
    program snapinspect --origin origin cow
    assert_shown "origin      origin: 2 MiB, dos partition table (PTUUID 89abcdef)"
    assert_shown "made for    2 MiB, partition table (PTUUID 89abcdef)"
}

@test "what is on a device is read past the page cache, which may be older" {
    need_loops
    mke2fs -q -t ext4 -L before origin 1M
    program snapcreate --origin origin --cow cow --size 1M
    loop_over origin
    exec 8<"$loop" # as long as it is open somewhere, the cache stays
    cat <&8 >seen
    e2label origin after
    assert_equal "$(blkid -p -o value -s LABEL "$loop")" before
    program snapinspect --json --origin "$loop" cow
    exec 8<&-
    assert_json '.result | "\(.on_origin.label) \(.in_view.label)"' "after after"
}

@test "a file system that only the view holds, and one that only the origin holds" {
    contents empty 1048576 nothing
    mke2fs -q -t ext4 -L there full 1M
    program snapcreate --origin empty --cow cow --size max --from-diff full
    program snapinspect --json --origin empty cow
    assert_json '.result | "\(.on_origin) \(.in_view.label)"' "null there"
    program snapcreate --accept=identity --origin full --cow cow2 --size max --from-diff empty
    program snapinspect --json --origin full cow2
    assert_json '.result | "\(.on_origin.label) \(.in_view)"' "there null"
}

@test "an origin by its LABEL= and its UUID=" {
    need_loops
    local label=dmsnap-$$
    mke2fs -q -t ext4 -L "$label" origin 4M
    program snapcreate --origin origin --cow cow --size 1M
    loop_over origin
    program snapinspect --json --origin "LABEL=$label" cow
    assert_status 0
    assert_json .origin "$loop"
    program snapinspect --json --origin "UUID=$(blkid -o value -s UUID origin)" cow
    assert_status 0
    assert_json .origin "$loop"
}

@test "a tag that two devices have is refused, with both named" {
    need_loops
    local label=dmsnap-$$
    mke2fs -q -t ext4 -L "$label" origin 4M
    mke2fs -q -t ext4 -L "$label" other 4M
    program snapcreate --origin origin --cow cow --size 1M
    loop_over origin
    local first=$loop
    loop_over other
    program snapinspect --origin "LABEL=$label" cow
    assert_status 8
    assert_said "$first"
    assert_said "$loop"
}

# --- the list ----------------------------------------------------------------------------------
@test "the list is coalesced, in the order of the list, with its columns" {
    recipe unordered
    program snapinspect --list cow
    assert_status 0
    assert_equal "$(awk '{ $1 = $1; print }' <<<"$output")" "INDEX ORIGIN COW LENGTH CHUNKS
0 80s 24s 4 KiB 1
1 160s 16s 4 KiB 1
2 40s 32s 4 KiB 1"
}

@test "ranges join where both sides step by one, never across a metadata area" {
    contents origin $((100 * 512)) origin
    contents new $((100 * 512)) new
    program snapcreate --origin origin --cow cow --size max --from-diff new --chunk-size 512
    program snapinspect --list --bytes --raw --noheadings cow
    assert_status 0
    assert_equal "$output" "0 0 1024 16384 32
32 16384 17920 16384 32
64 32768 34816 16384 32
96 49152 51712 2048 4"
}

@test "the list says what a walk through the store says, for every sound recipe" {
    local file name
    for file in "$SRCDIR"/tests/images/*.recipe; do
        grep -q '^expect inspect 0' "$file" && grep -q '^expect merge 0' "$file" || continue
        name=${file##*/}
        recipe "${name%.recipe}"
        echo "# $name"
        program snapinspect --list --json cow
        assert_status 0
        # One object per line: the document's head, the ranges, the end.
        run --separate-stderr jq -R 'fromjson | type' <<<"$output"
        assert_equal "$(uniq -c <<<"$output" | awk '{ print $1, $2 }')" \
            "$(($(walk cow ranges | wc -l) + 2)) \"object\""
        program snapinspect --list --json cow
        # jq knows no hexadecimal
        run --separate-stderr perl -ne 'print "$1 ", hex($2), " ", hex($3), " $4\n"
            if /"index":(\d+),"old":"(0x[0-9a-f]+)","new":"(0x[0-9a-f]+)","chunks":(\d+)/' <<<"$output"
        assert_equal "$output" "$(walk cow ranges)"
    done
}

@test "the list as JSON begins with the program and ends with the exit status" {
    recipe one-entry
    program snapinspect --list --json cow
    assert_equal "$(head -n 1 <<<"$output" | jq -r .dmsnap.program)" snapinspect
    assert_equal "$(tail -n 1 <<<"$output" | jq -c .)" '{"exit_status":0}'
    assert_equal "$(sed -n 2p <<<"$output" | jq -r '"\(.index) \(.old) \(.new) \(.chunks) \(.length_bytes)"')" \
        "0 0xa 0x2 1 4096"
}

@test "-o picks columns in that order" {
    recipe areas-chunks
    program snapinspect --list -o AREA,INDEX,CHUNKS --raw --noheadings cow
    assert_status 0
    assert_equal "$(head -n 1 <<<"$output")" "0 0 1"
    assert_equal "$(tail -n 1 <<<"$output")" "2 599 1"
    program snapinspect --list --columns origin --noheadings --bytes cow
    assert_status 0
    assert_equal "$(head -n 1 <<<"$output" | tr -d ' ')" 4096
}

@test "an unknown column is a usage error that names the known ones" {
    recipe one-entry
    program snapinspect --list -o INDEX,BOGUS cow
    assert_status 16
    assert_equal "$output" ""
    assert_said BOGUS
    assert_said INDEX
}

@test "--raw has no padding, --noheadings no heading" {
    recipe one-entry
    program snapinspect --list --raw cow
    assert_equal "$output" $'INDEX ORIGIN COW LENGTH CHUNKS\n0 80s 16s 4KiB 1'
    program snapinspect --list --noheadings --bytes cow
    assert_equal "$(wc -l <<<"$output")" 1
}

@test "an empty store: an empty list" {
    recipe empty
    program snapinspect --list --noheadings cow
    assert_status 0
    assert_equal "$output" ""
    program snapinspect --list --json cow
    assert_status 0
    assert_equal "$(wc -l <<<"$output")" 2
}

@test "columns without a list are a usage error" {
    recipe one-entry
    local name=snapinspect option
    for option in --raw --noheadings --columns=INDEX; do
        program snapinspect "$option" cow
        assert_usage_error "${option%%=*} needs --list, --lvm or --system: it is about the table that they print"
    done
}

@test "a device that is in use is said, in words and in JSON" {
    need_loops
    recipe one-entry
    loop_over origin
    program snapinspect --json --origin origin cow
    assert_json '.result | "\(.cow_in_use) \(.origin_in_use | type)"' "null string"
    assert_said "warning: origin: it is in use ("
    program snapinspect --json --origin "$loop" cow
    assert_json '.result | "\(has("cow_in_use")) \(.cow_in_use) \(.origin_in_use)"' "true null null"
}

@test "the hint to snapcheck has the origin" {
    recipe new-on-area-0
    program snapinspect --origin origin cow
    assert_said "this shows all that is wrong: snapcheck --all --origin origin cow"
}

# to_a_pipe_without_reader ARGUMENT...: $status, $stderr
to_a_pipe_without_reader() {
    mkfifo pipe
    sleep 1000 <pipe &
    exec 7>pipe
    kill $!
    wait $! || true
    status=0
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/$1" "${@:2}" >&7 2>said || status=$?
    exec 7>&-
    rm pipe
    stderr=$(<said)
}

@test "the reader of the list or of the figures has gone: no message, and a status" {
    recipe areas-chunks
    local arguments
    for arguments in "snapinspect --list cow" "snapinspect --list --raw cow" "snapinspect --list --json cow" \
        "snapinspect cow" "snapinspect --json cow" "snapcheck cow" "snapcheck --json cow"; do
        [[ $arguments != *--json* ]] || ! lacks json-c || continue
        # shellcheck disable=SC2086
        to_a_pipe_without_reader $arguments
        assert_status 8
        assert_equal "$stderr" ""
    done
}

@test "what else is lost on standard output is said once" {
    recipe areas-chunks
    local arguments
    for arguments in "snapinspect --list cow" "snapinspect cow" "snapcheck cow" \
        "snapinspect -y --origin origin --extract - cow" "snapmerge -n --origin origin --cow cow"; do
        # shellcheck disable=SC2086
        program_in_shell '>/dev/full' $arguments
        assert_status 8
        assert_equal "$(grep -c "No space left" <<<"$stderr")" 1
    done
    for arguments in "snapinspect -y --origin origin --extract - cow" "snapmerge -n --origin origin --cow cow"; do
        # shellcheck disable=SC2086
        to_a_pipe_without_reader $arguments
        assert_status 8
        assert_equal "$(grep -c "Broken pipe" <<<"$stderr")" 1
    done
}

# --- the view ----------------------------------------------------------------------------------
@test "--extract: to a file for its owner alone, and to standard output" {
    recipe areas-chunks
    program snapinspect --origin origin --extract image cow
    assert_status 0
    assert_equal "$output" ""
    cmp image view
    assert_equal "$(stat -c %a image)" 600
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapinspect" --origin origin --extract - cow >stream
    cmp stream view
}

@test "--extract: progress counts what is written, of the whole view" {
    load system_calls
    need_strace
    contents origin 16777216 origin
    program snapcreate --origin origin --cow cow --size 1M
    # Asked for before the first write, and told after it.
    traced -P "$dir/image.img.partial" -e trace=ftruncate -e inject=ftruncate:signal=USR1 -- \
        snapinspect --origin origin --extract "$dir/image.img" cow
    assert_status 0
    cmp image.img origin
    [[ $stderr =~ image.img:\ write:\ 1\ MiB\ of\ 16\ MiB\ \(6%\) ]]
}

@test "--extract: what is zero in the view is a hole in the image" {
    truncate -s 64M origin
    contents piece 300000 piece
    cp --sparse=always origin new
    dd if=piece of=new bs=4096 seek=1000 conv=notrunc status=none
    dd if=piece of=origin bs=4096 seek=9000 conv=notrunc status=none
    cp --sparse=always origin new.full
    dd if=piece of=new.full bs=4096 seek=1000 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff new
    assert_status 0
    program snapinspect --origin origin --extract image cow
    assert_status 0
    cmp image new
    assert_equal "$(stat -c %s image)" $((64 << 20))
    [ "$(blocks image)" -lt 1024 ]
}

@test "--extract: an existing file is refused and left alone" {
    recipe one-entry
    contents image 1000 image
    cp image before
    program snapinspect --origin origin --extract image cow
    assert_status 8
    assert_said "image: "
    assert_said exists
    cmp image before
}

@test "--extract: a full file system: what is there keeps the name of the incomplete image" {
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount a small file system"
    recipe areas-chunks
    mkdir small
    mount -t tmpfs -o size=64k none small
    program snapinspect --origin origin --accept=space --extract small/image cow
    local left
    left=$(ls small)
    umount small
    assert_status 8
    assert_said "No space left on device"
    assert_said "small/image.partial is incomplete"
    assert_said "To go on: rm small/image.partial && snapinspect --origin origin --cow cow --extract small/image --accept=space"
    assert_equal "$left" image.partial
}

@test "--extract - onto a terminal is refused" {
    recipe one-entry
    on_terminal n snapinspect --origin origin --extract - cow
    assert_equal "$status" 8
    assert_shown "standard output is a terminal"
    [ "${#output}" -lt 300 ]
}

@test "--extract needs the origin, and stands alone" {
    recipe one-entry
    local name=snapinspect
    program snapinspect --extract image cow
    assert_usage_error "--extract needs --origin"
    program snapinspect --origin origin --list --extract image cow
    assert_usage_error "--extract and --list cannot be used together"
    assert [ ! -e image ]
}

@test "a reader that goes away ends it" {
    recipe areas-chunks
    run --separate-stderr bash -c "set -o pipefail
        $WRAPPER '$BUILDDIR/tools/snapinspect' --origin origin --extract - cow | head -c 10 >/dev/null"
    assert_status 8
    assert_said "snapinspect: standard output: Broken pipe"
}

@test "nothing is written to the store or the origin" {
    recipe areas-chunks
    remember origin cow
    program snapinspect --origin origin cow
    assert_status 0
    program snapinspect --origin origin --list cow
    assert_status 0
    program_in_shell ">/dev/null" snapinspect --origin origin --extract - cow
    assert_status 0
    assert_untouched
}

@test "a loop device as the store, and one with larger blocks than the chunks" {
    need_loops
    recipe areas-sectors
    truncate -s %4096 cow
    truncate -s %4096 origin
    local figures
    figures=$(walk cow figures)
    loop_over cow --sector-size 4096
    program snapinspect --json --origin origin "$loop"
    assert_status 0
    assert_json '.result | "\(.entries) \(.runs)"' "$(cut -d' ' -f1,2 <<<"$figures")"
    program snapinspect --origin origin --extract image "$loop"
    assert_status 0
    cmp -n "$(stat -c %s view)" image view
}

@test "duplicates and a list that may be cut off are in the summary, with the line that shows more" {
    local recipe
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/duplicate-old.recipe" cow origin view
    program snapinspect --origin origin cow
    assert_status 0
    assert_shown "duplicates  1 entry: the origin's or the data chunk belongs to an earlier entry as well"
    assert_said "cow: entries are for chunks that other entries have; this shows what, and what to do: snapcheck --origin origin cow"
    program snapinspect --json cow
    assert_json '.result | "\(.duplicates) \(.entries_behind_end)"' "1 0"
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/cut.recipe" cow origin view
    program snapinspect cow
    assert_status 0
    assert_shown "cut off     344 entries behind the end of the list continue it exactly"
    assert_said "cow: the list may have been cut off; this shows what, and what to do: snapcheck --origin ORIGIN cow"
    program snapinspect --json cow
    assert_json '.result | "\(.duplicates) \(.entries_behind_end)"' "0 344"
    for recipe in areas-chunks entry-repeated; do
        "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$recipe.recipe" cow origin view
        program snapinspect --origin origin cow
        assert_status 0
        assert_not_said "snapcheck"
        [[ $output != *duplicates* && $output != *"cut off"* ]]
    done
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/new-beyond-cow.recipe" cow origin view
    program snapinspect --json cow
    assert_json '.result | has("duplicates")' false
}

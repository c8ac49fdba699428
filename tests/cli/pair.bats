#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Which origin belongs to a store: what each program says of a pair, and which pairs are refused.

setup() {
    load helpers
    load work
    in_folder
}

teardown() {
    loops_detach
}

# file_systems NAME...: an ext4 file system in each of these images, of 8 MiB.
file_systems() {
    local name
    for name in "$@"; do mke2fs -q -t ext4 -b 4096 "$name" 8M; done
}

# made OPTION...: the store `cow` for what differs between `origin` and `view`.
made() {
    rm -f cow
    program snapcreate "$@" --origin origin --cow cow --size max --from-diff view
    assert_status 0
    cp cow cow.before
}

# forget: the store keeps its record, but not its fingerprint.
forget() {
    dd if=/dev/zero of=cow bs=512 seek=1 count=1 conv=notrunc status=none
    cp cow cow.before
}

# refused_by_all TEXT: snapmerge, also with --output and --yes, writes nothing; snapcheck says it with status 8.
refused_by_all() {
    local origin=$1 text=$2
    cp "$origin" refused.before
    program snapmerge --origin "$origin" --cow cow
    assert_status 8
    assert_said "$text"
    assert_said "Nothing was written."
    program snapmerge --yes --origin "$origin" --cow cow
    assert_status 8
    program snapmerge -n --origin "$origin" --cow cow
    assert_status 8
    program snapmerge --output merged --origin "$origin" --cow cow
    assert_status 8
    assert_said "$text"
    [ ! -e merged ]
    program snapcheck --origin "$origin" cow
    assert_status 8
    assert_shown "do not belong together: "
    assert_shown "$text"
    [[ $output == *": clean"* || $output == *": not all of them lie on the origin"* ]]
    program snapcheck --json --origin "$origin" cow
    assert_status 8
    assert_json '"\(.result.usable) \(.result.pair.outcome) \(.findings | length)"' "true contradicted 0"
    cmp "$origin" refused.before
    cmp cow cow.before
}

@test "the origin is itself a store: refused, whatever both contain" {
    file_systems origin
    cp origin view
    e2label view changed
    made
    program snapcreate --origin origin --cow other.cow --size max --no-identity
    refused_by_all other.cow "the origin is itself a snapshot store (with chunks of 8 sectors)"
}

# member FILE LETTER: a member of an array with metadata 1.2; the array is the same, the device's UUID is of this letter.
member() {
    truncate -s 8M "$1"
    perl -e '
        my ($letter) = @ARGV;
        my $super = "\0" x 256;
        substr($super, 0, 8) = pack("L<2", 0xa92b4efc, 1);
        substr($super, 16, 16) = "F" x 16;
        substr($super, 88, 8) = pack("L<2", 1024, 2);
        substr($super, 128, 24) = pack("Q<3", 2048, 8192, 8);
        substr($super, 168, 16) = $letter x 16;
        substr($super, 220, 4) = pack("L<", 2);
        substr($super, 256, 4) = pack("S<2", 0, 1);
        my $sum = 0;
        $sum += $_ for unpack("L<*", $super);
        substr($super, 216, 4) = pack("L<", ($sum & 0xffffffff) + ($sum >> 32));
        print $super;' "$2" | dd of="$1" bs=4096 seek=1 conv=notrunc status=none
}

@test "another member of the same array: the common UUID is not enough" {
    member origin A
    member other B
    cp origin view
    printf changed | dd of=view bs=1 seek=4352 conv=notrunc status=none
    printf changed | dd of=view bs=1 seek=$((1 << 20)) conv=notrunc status=none
    assert_equal "$(blkid -p -o value -s TYPE view)" linux_raid_member
    made --no-identity
    refused_by_all other "UUID_SUB"
    made
    refused_by_all other "UUID_SUB"
    # A record has 16 bytes for the type: what is cut ends visibly, and the device's own is whole.
    program snapinspect --origin origin cow
    assert_shown "made for    8 MiB, linux_raid_membe... (UUID "
    grep -q "^origin  .*linux_raid_member.* (UUID .*, UUID_SUB " <<<"$output"
    program snapmerge --origin origin --cow cow
    assert_status 0
    cmp origin view
}

@test "--preserve: a store of another member of the same array" {
    member origin A
    member first B
    cp first first.view
    printf changed | dd of=first.view bs=1 seek=4352 conv=notrunc status=none
    program snapcreate --no-identity --origin first --cow first.cow --size max --from-diff first.view
    cp origin view
    printf changed | dd of=view bs=1 seek=4352 conv=notrunc status=none
    made --no-identity
    program snapmerge --origin first --cow first.cow --preserve cow
    assert_status 8
    assert_said "UUID_SUB"
    cmp cow cow.before
}

@test "the store of a partition, and a whole disk; and the reverse" {
    file_systems origin
    truncate -s 8M disk
    printf 'label: gpt\nlabel-id: aaaaaaaa-1111-4222-8333-123456789abc\n,,L\n' | sfdisk -q disk
    cp origin view
    e2label view changed
    made --no-identity
    refused_by_all disk "the store holds ext4 (UUID $(blkid -p -o value -s UUID origin)), but this origin has a gpt partition table"
    mv origin part
    mv disk origin
    cp origin view
    printf 'label: gpt\nlabel-id: aaaaaaaa-1111-4222-8333-123456789abc\n,4M,L\n' | sfdisk -q view
    made --no-identity
    refused_by_all part "the store holds a gpt partition table"
}

@test "type against type: swap, a LUKS header, an LVM physical volume" {
    local header
    file_systems origin
    cp origin view
    e2label view changed
    made --no-identity
    truncate -s 8M swap
    mkswap swap >/dev/null 2>&1
    refused_by_all swap "but this origin has swap"
    truncate -s 8M luks
    header='LUKS\xba\xbe\x00\x01aes'
    printf "$header" | dd of=luks conv=notrunc status=none
    printf '11111111-2222-4333-8444-555555555555' | dd of=luks bs=1 seek=168 conv=notrunc status=none
    refused_by_all luks "but this origin has crypto_LUKS"
}

@test "a record names an ext4, and the origin is blank, or a disk, or has another type" {
    file_systems origin
    cp origin view
    contents piece 10000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    made # the list holds nothing of the superblock
    truncate -s 8M blank disk
    refused_by_all blank "but this one has nothing that is known"
    printf 'label: dos\nlabel-id: 0x12345678\n,,L\n' | sfdisk -q disk
    refused_by_all disk "but this one has a dos partition table 12345678"
    forget
    refused_by_all blank "but this one has nothing that is known"
    program snapmerge --accept=identity --origin blank --cow cow
    assert_status 0
    assert_said "warning: cow and blank do not belong together: "
}

@test "a record of a blank origin: what was made inside the snapshot is merged; a foreign file system is not" {
    truncate -s 8M origin
    file_systems view foreign
    made
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    contents piece 10000 piece
    truncate -s 8M view
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    made
    refused_by_all foreign "the store was made for an origin with nothing that is known, but this one has ext4"
}

@test "a record of a size only: that is all that is said to fit" {
    truncate -s 8M origin
    contents piece 10000 piece
    cp origin view
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    made
    contents random 8388608 random
    refused_by_all random "sampled blocks of this origin are not what they were"
    forget
    program snapmerge -n --origin random --cow cow
    assert_status 0
    assert_said "may or may not belong together"
    assert_said "holds only the size of its origin"
}

@test "-v: all evidence, in each program; and the sandbox" {
    file_systems origin
    cp origin view
    contents piece 40000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    made
    for arguments in "snapmerge -n --cow cow" "snapcheck cow" "snapinspect cow" "snapcreate -n -f --identify --cow cow"; do
        # shellcheck disable=SC2086
        program ${arguments/ / -v } --origin origin
        assert_status 0
        assert_said "sandbox: "
        grep -qE "cow: evidence: (proven|likely) \((fingerprint|record)\)$" <<<"$stderr"
        assert_said "cow: evidence: the store itself holds nothing known"
        grep -qE "cow: evidence: fingerprint: samples: [0-9]+, masked: [0-9]+, .* differ: 0$" <<<"$stderr"
        assert_said "cow: evidence: contents: not compared"
        # shellcheck disable=SC2086
        program $arguments --origin origin
        assert_not_said "evidence: "
    done
    made --no-identity
    program snapmerge -n -v --origin origin --cow cow
    assert_said "cow: evidence: unknown (nothing)"
    assert_said "cow: evidence: fingerprint: none was compared"
    assert_said "cow: evidence: contents: chunks compared: "
}

@test "without evidence the warning is there, and in the question and the figures; what is borrowed is none" {
    file_systems origin
    cp origin view
    contents piece 10000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    made --no-identity
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    assert_said "warning: cow and origin may or may not belong together: the store does not say"
    assert_shown "pair        unknown: the store does not say"
    program snapinspect --origin origin cow
    assert_shown "pair        unknown: the store does not say"
    program snapinspect --json --origin origin cow
    assert_json '.result.pair | "\(.outcome) \(.reason)"' "unknown nothing"
    program snapcheck --origin origin cow
    assert_status 0
    assert_shown "may or may not belong together"
    on_terminal n snapmerge --origin origin --cow cow
    assert_shown "pair        unknown: the store does not say"
    assert_equal "$(grep -c "nothing else tells" <<<"$output")" 1
    # Whoever reads both streams is told once; of two readers, each.
    for arguments in "snapmerge -n" "snapmerge -n --output third" "snapinspect -n --extract third"; do
        # shellcheck disable=SC2086
        program_in_shell '2>&1' $arguments --origin origin --cow cow
        assert_status 0
        assert_equal "$(grep -c "nothing else tells" <<<"$output")" 1
        # shellcheck disable=SC2086
        program $arguments --origin origin --cow cow
        assert_equal "$(grep -c "nothing else tells" <<<"$output"$'\n'"$stderr")" 2
        # shellcheck disable=SC2086
        on_terminal n ${arguments/ -n/} --origin origin --cow cow
        assert_equal "$(grep -c "nothing else tells" <<<"$output")" 1
    done
    on_terminal n snapcreate --identify --origin origin --cow cow
    assert_equal "$(grep -c "nothing else tells" <<<"$output")" 1
    program snapmerge -n --json --origin origin --cow cow
    assert_said "nothing else tells"
    cmp cow cow.before
}

@test "the superblock that the store holds is evidence, and named" {
    file_systems origin
    cp origin view
    e2label view changed
    made --no-identity
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    assert_said "cow and origin likely belong together: the store holds ext4 (UUID $(blkid -p -o value -s UUID origin)), and so does this origin"
}

@test "entries beyond the origin: one line with the sizes, and no word of damage" {
    file_systems origin
    cp origin view
    contents piece 40000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    made --no-identity
    truncate -s 4M origin
    refused_by_all origin "the store reaches byte 6184960 of its origin, but this one ends at byte 4194304 (10 of 10 entries"
    program snapmerge --origin origin --cow cow
    assert_equal "$(grep -c snapmerge: <<<"$stderr")" 1
    program snapmerge --accept=identity --origin origin --cow cow
    assert_status 8
    # The size of the file system is told where this build knows it.
    [[ $stderr == *"truncate -s 6184960 origin"* || $stderr == *"truncate -s 8388608 origin"* ]]
    cmp cow cow.before
}

@test "a COW that was cut: one line with the sizes, and how to get the rest back" {
    file_systems origin
    cp origin view
    contents piece 1638400 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    made
    truncate -s 1228800 cow
    cp cow cow.before
    program snapmerge --origin origin --cow cow
    assert_status 8
    assert_said "cow: the list needs 1650688 bytes, but the device has 1228800, so it was cut"
    assert_said "(103 of 400 entries"
    assert_said "copy it once more from where it is whole; only if nothing but zeros was cut off, truncate -s 1650688 cow"
    assert_equal "$(grep -c snapmerge: <<<"$stderr")" 1
    program snapcheck --json cow
    assert_status 8
    assert_json .result.needs_bytes 1650688
    program snapcheck cow
    assert_shown "cow: the list needs 1650688 bytes"
    cmp cow cow.before
    truncate -s 1650688 cow
    program snapcheck cow
    assert_status 0
}

@test "a COW that was cut within its first two chunks is told to be cut" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/one-entry.recipe" cow origin view
    local bytes
    for bytes in 6000 4096 512 100; do
        truncate -s "$bytes" cow
        program snapcheck --origin origin cow
        assert_status 4
        assert_shown "copy it once more from where it is whole (fatal: device-size)"
        program snapmerge --origin origin --cow cow
        assert_status 4
        assert_said "cut"
        assert_said "copy it once more from where it is whole"
        program snapinspect --origin origin --extract new cow
        assert_status 4
        assert_said "copy it once more from where it is whole"
    done
}

@test "an entry beyond an origin of the size that the record has is damage of the list, in all programs" {
    file_systems origin
    cp origin view
    e2label view changed
    made
    # `old` of the first entry
    perl -e 'print pack("Q<", 99999)' | dd of=cow bs=1 seek=4096 conv=notrunc status=none
    forget # a sample may be in the chunk that this entry was for
    program snapcheck --origin origin cow
    assert_status 4
    assert_shown "area 0 slot 0: origin chunk 99999, but the origin has 2048 chunks, and was not larger when the store was made (corrupting: entry-old-range)"
    [[ $output != *truncate* && $output != *"do not belong together"* ]]
    program snapmerge --origin origin --cow cow
    assert_status 4
    assert_said "snapcheck -n -y --accept=view-change --origin origin cow"
    assert_not_said "truncate"
    program snapinspect --extract out --skip-damaged=origin --origin origin cow
    assert_status 4
    assert_said "1 entry names no chunk of the origin and is left out"
    program snapinspect --json --extract out2 --skip-damaged=origin --origin origin cow
    assert_json '.result.output.skipped_entries' 1
    cmp out out2
    program snapcheck --repair-to new --origin origin cow
    assert_status 8
    assert_said "add --accept=view-change"
    program snapcheck --json --repair-to new --accept=view-change --origin origin cow
    assert_json '.result.repair_to.entries_left_out' 1
    program snapinspect --extract out3 --origin origin new
    assert_status 0
    cmp out out3
    cmp cow cow.before
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    assert_said "1 finding of entry-old-range will be mended"
    program snapcheck --origin origin cow
    assert_status 0
    program snapinspect --extract out4 --origin origin cow
    assert_status 0
    cmp out out4
    program snapcheck --put-back cow.old-bytes cow
    assert_status 0
    cmp cow cow.before
}

@test "the record is enough to find an entry beyond the origin; it takes the origin to drop it" {
    file_systems origin
    cp origin view
    e2label view changed
    made
    perl -e 'print pack("Q<", 99999)' | dd of=cow bs=1 seek=4096 conv=notrunc status=none
    forget
    program snapcheck cow
    assert_status 4
    assert_shown "area 0 slot 0: origin chunk 99999, but the origin had 2048 chunks when the store was made (corrupting: entry-old-range)"
    assert_said "snapcheck -n -y --accept=view-change --origin ORIGIN cow"
    program snapcheck -y --accept=view-change cow
    assert_status 4
    assert_said "To mend 1 finding by which the snapshot will read differently, first see what would: snapcheck -n -y --accept=view-change --origin ORIGIN cow"
    assert_said "Nothing was written."
    cmp cow cow.before
    # It may have grown since then: where it has that chunk, the entry is right.
    truncate -s 500M origin
    program snapcheck --origin origin cow
    assert_status 0
}

@test "an entry where no device reaches is damage, whatever is known of the origin, and is dropped" {
    file_systems origin
    cp origin view
    e2label view changed
    made
    dd if=/dev/zero of=cow bs=1 seek=16 count=1008 conv=notrunc status=none # no record
    perl -e 'print pack("Q<", 1 << 54)' | dd of=cow bs=1 seek=4096 conv=notrunc status=none
    cp cow cow.before
    for with in "" "--origin origin"; do
        # shellcheck disable=SC2086
        program snapcheck $with cow
        assert_status 4
        assert_shown "area 0 slot 0: origin chunk 0x40000000000000, but no device has more than 0x7ffffffffffff chunks (corrupting: entry-old-range)"
        assert_shown ": damaged"
        # shellcheck disable=SC2086
        program snapcheck -y --accept=view-change $with cow
        assert_status 1
        program snapcheck --origin origin cow
        assert_status 0
        program snapcheck --put-back cow.old-bytes cow
        cmp cow cow.before
        rm cow.old-bytes
    done
    program snapinspect --extract out --skip-damaged=origin --accept=identity --origin origin cow
    assert_status 4
    assert_said "1 entry names no chunk of the origin and is left out"
    program snapmerge --origin origin --cow cow
    assert_status 4
    assert_said "snapcheck -n -y --accept=view-change --origin origin cow"
    assert_not_said truncate
}

# without_record ENTRY...: 100 entries for each second chunk of an origin of 8 MiB from chunk 1000 on; each ENTRY is
# INDEX=OLD.
without_record() {
    local entry
    file_systems origin
    dd if=/dev/zero of=cow bs=4096 count=256 status=none
    perl -e 'print pack("L<4", 0x70416e53, 1, 1, 8)' | dd of=cow bs=1 conv=notrunc status=none
    perl -e 'print pack("Q<2", 1000 + 2 * $_, $_ + 2) for 0 .. 99' | dd of=cow bs=4096 seek=1 conv=notrunc status=none
    for entry; do
        perl -e 'print pack("Q<", shift)' "${entry#*=}" |
            dd of=cow bs=1 seek=$((4096 + 16 * ${entry%=*})) conv=notrunc status=none
    done
    cp cow cow.before
}

@test "without a record, one entry far behind the end is told to be damaged, and its word drops it" {
    without_record 50=32640
    local next="do not lengthen the origin for that; to see what would change without such entries: snapcheck -n -y --accept=view-change,origin-size --origin origin cow"
    program snapcheck --origin origin cow
    assert_status 8
    assert_shown "1 of 100 entries lies behind the end of this origin, at byte 8388608 (in area 0 slot 50, origin chunk 32640); it stands alone, far from all others"
    assert_shown ", so it is most likely damaged"
    assert_shown "$next"
    [[ $output != *truncate* && $output != *": clean"* ]]
    for program in "snapmerge --accept=identity -n --origin origin --cow" "snapinspect --extract out --accept=identity --origin origin" \
        "snapcreate --identify --origin origin --cow"; do
        # shellcheck disable=SC2086
        program $program cow
        assert_status 8
        assert_said "$next"
        assert_not_said truncate
    done
    program snapcheck --repair-to new --origin origin cow
    assert_status 8
    assert_said "$next"
    program snapcheck --accept=origin-size --origin origin cow
    assert_status 4
    assert_shown "area 0 slot 50: origin chunk 32640, but the origin has 2048 chunks, and never had more, as you say (corrupting: entry-old-range)"
    assert_said "snapcheck -n -y --accept=view-change --accept=origin-size --origin origin cow"
    program snapinspect --extract out --skip-damaged=origin --accept=identity,origin-size --origin origin cow
    assert_status 4
    assert_said "1 entry names no chunk of the origin and is left out"
    program snapmerge --accept=identity,origin-size --origin origin --cow cow
    assert_status 4
    assert_said "snapcheck -n -y --accept=view-change --accept=origin-size --origin origin cow"
    program snapcheck --repair-to new --accept=view-change,origin-size --origin origin cow
    assert_status 1
    program snapcheck -n -y --accept=view-change,origin-size --origin origin cow
    assert_said "To mend it: snapcheck -y --accept=view-change,origin-size"
    cmp cow cow.before
    program snapcheck -y --accept=view-change,origin-size --origin origin cow
    assert_status 1
    program snapcheck --origin origin cow
    assert_status 0
    assert_shown "cow: 99 entries"
    for store in cow new; do
        program snapinspect --extract out.$store --accept=identity --origin origin "$store"
        assert_status 0
        cmp out out.$store
    done
    program snapcheck --accept=origin-size cow
    assert_status 16
}

@test "without a record, entries behind the end: damaged, or the origin was cut, or both is said" {
    ! lacks json-c || skip "this build lacks json-c"
    local entries reach
    while read -r reach entries; do
        # shellcheck disable=SC2086
        without_record $entries
        program snapcheck --json --origin origin cow
        assert_status 8
        assert_json '.result | "\(.verdict) \(.clean) \(.pair.reason) \(.pair.reach)"' "beyond-origin false reach $reach"
    done <<'END'
damaged 50=4096
damaged 20=5000 50=9000 80=7000
cut-or-damaged 50=4095
cut-or-damaged 50=2048
cut 20=5000 50=9000 80=7000 90=10000
cut 50=5000 51=5001
END
    # In a row of others that leaves out one chunk.
    without_record 50=2050 49=1500 51=1502
    program snapcheck --origin origin cow
    assert_shown "it stands where a row of others leaves out a chunk"
    assert_shown ", so it is most likely damaged"
    without_record 50=2050
    program snapcheck --origin origin cow
    assert_shown "1 of 100 entries lies behind that, in area 0 slot 50, origin chunk 2050): it is the wrong origin, or it was cut, or that entry is damaged"
    assert_shown "truncate -s 8400896 origin; or, if it was never longer, to see what would change without such entries: snapcheck -n -y --accept=view-change,origin-size --origin origin cow"
}

# holds FILE: the first entry is for chunk 0, which the store has as FILE does.
holds() {
    dd if="$1" of=cow bs=4096 count=1 seek=2 conv=notrunc status=none
    perl -e 'print pack("Q<", 0)' | dd of=cow bs=1 seek=4096 conv=notrunc status=none
    cp cow cow.before
}

# reaches WORDS: what the judgement of entries behind the end is, and by which claim of the size.
reaches() {
    program snapcheck --json --origin origin cow
    assert_status 8
    assert_json '.result.pair | "\(.reach) \(.claimed_by) \(.claimed_in) \(.claimed_bytes)"' "$1"
    cmp cow cow.before
}

@test "entries behind the end: a file system that is larger than its origin tells that it was cut" {
    ! lacks json-c && ! lacks ext2fs || skip "this build lacks json-c or libext2fs"
    local entries
    mke2fs -q -t ext4 -b 4096 large 16M
    for entries in 50=2048 "50=2048 51=2049" 50=2050; do
        # shellcheck disable=SC2086
        without_record $entries
        cp large origin
        truncate -s 8M origin
        reaches "cut file-system origin 16777216"
    done
    program snapcheck --origin origin cow
    assert_shown "it was cut: the file system on this origin has 16777216 bytes"
    assert_shown "name the right origin, or, if zeros were cut off it, lengthen it again: truncate -s 16777216 origin"
    refused_by_all origin "it was cut: the file system on this origin has 16777216 bytes"
    # An entry that no device of this size has: both.
    without_record 50=32640
    cp large origin
    truncate -s 8M origin
    reaches "cut file-system origin 16777216"
    program snapcheck --origin origin cow
    assert_shown "has 16777216 bytes, and entries that lie behind that may be damaged"
    assert_shown "truncate -s 16777216 origin"
    # That of the store.
    without_record 50=2048
    holds large
    reaches "cut file-system store 16777216"
    program snapcheck --origin origin cow
    assert_shown "it is the wrong origin, or it was cut: the file system that the store holds has 16777216 bytes"
}

@test "entries behind the end: a file system of the store that fills the origin tells of damage" {
    ! lacks json-c && ! lacks ext2fs || skip "this build lacks json-c or libext2fs"
    without_record 50=2048
    reaches "cut-or-damaged file-system origin 8388608"
    holds origin
    reaches "damaged file-system store 8388608"
    program snapcheck --origin origin cow
    assert_shown "; the file system that the store holds has 8388608 bytes, so it is most likely damaged"
    assert_shown "do not lengthen the origin for that; to see what would change without such entries"
    # A few bytes are left over, as where a partition has no whole number of blocks.
    truncate -s $((8388608 + 3584)) origin
    perl -e 'print pack("Q<", 2049)' | dd of=cow bs=1 seek=$((4096 + 16 * 50)) conv=notrunc status=none
    cp cow cow.before
    reaches "damaged file-system store 8388608"
    # Entries in a row are of something.
    rm origin
    without_record 50=2048 51=2049
    holds origin
    reaches "cut-or-damaged file-system store 8388608"
    program snapcheck --origin origin cow
    assert_shown "or these entries are damaged; the file system that the store holds has 8388608 bytes, and all of them are here"
}

@test "entries behind the end: a file system that leaves room behind it, or is damaged, decides nothing" {
    ! lacks json-c && ! lacks ext2fs || skip "this build lacks json-c or libext2fs"
    mke2fs -q -t ext4 -b 4096 small 4M
    truncate -s 8M small
    without_record 50=2048
    cp small origin
    holds small
    reaches "cut-or-damaged file-system store 4194304"
    without_record 50=2048 51=2049
    cp small origin
    holds small
    reaches "cut file-system store 4194304"
    # A number of blocks that does not fit the checksum of the superblock.
    without_record 50=2048
    perl -e 'print pack("L<", 4096)' | dd of=origin bs=1 seek=1028 conv=notrunc status=none
    reaches "cut-or-damaged null null null"
}

@test "entries behind the end: a partition that ends behind its disk tells that this was cut" {
    ! lacks json-c || skip "this build lacks json-c"
    local label
    for label in gpt dos; do
        without_record 50=2048
        rm origin
        truncate -s 16M origin
        printf 'label: %s\n2048,8M,L\n,4M,L\n' "$label" | sfdisk -q origin
        truncate -s 8M origin
        reaches "cut partition-table origin 13631488"
        program snapcheck --origin origin cow
        assert_shown "it was cut: the last partition of the table on this origin ends at byte 13631488"
        truncate -s 16M origin
        perl -e 'print pack("Q<", 4096)' | dd of=cow bs=1 seek=$((4096 + 16 * 50)) conv=notrunc status=none
        cp cow cow.before
        reaches "cut-or-damaged null null null"
    done
}

@test "a damaged store without a record: a wrong origin is told, and no line proposes it" {
    without_record 0=0
    file_systems wrong
    dd if=origin of=cow bs=4096 count=1 seek=2 conv=notrunc status=none
    perl -e 'print pack("Q<", 5 << 56 | 3)' | dd of=cow bs=1 seek=$((4096 + 16 + 8)) conv=notrunc status=none
    program snapcheck --origin origin cow
    assert_status 4
    assert_shown "cow and origin likely belong together"
    assert_said "snapcheck -n -y --accept=view-change --origin origin cow"
    program snapcheck --origin wrong cow
    assert_status 4
    assert_shown "cow and wrong do not belong together: the store holds ext4"
    assert_not_said "--origin wrong"
    # All of the first area is full, and the end is lost.
    perl -e 'print pack("Q<2", 3 * $_, $_ + 2) for 0 .. 255' | dd of=cow bs=4096 seek=1 conv=notrunc status=none
    truncate -s $((257 * 4096)) cow
    program snapcheck --origin wrong cow
    assert_shown "whether wrong is its origin is not judged: its list cannot be followed"
}

@test "a list that was cut, and a wrong origin: nothing is said of what that one has" {
    file_systems origin wrong
    dd if=/dev/zero of=cow bs=4096 count=700 status=none
    perl -e 'print pack("L<4", 0x70416e53, 1, 1, 8)' | dd of=cow bs=1 conv=notrunc status=none
    perl -e 'print pack("Q<2", 3 * $_, $_ + 2) for 0 .. 191' | dd of=cow bs=4096 seek=1 conv=notrunc status=none
    perl -e 'print pack("Q<2", 3 * $_, $_ + 3) for 256 .. 300' | dd of=cow bs=4096 seek=258 conv=notrunc status=none
    dd if=origin of=cow bs=4096 count=1 seek=2 conv=notrunc status=none
    program snapcheck -n -y --origin wrong cow
    assert_not_said "too much is missing"
    assert_said "The origin tells whether a merge has taken them off, or a fault: snapcheck -n -y --accept=view-change --origin ORIGIN cow"
}

@test "samples in the chunk that a damaged entry was for do not speak against the origin" {
    file_systems origin
    program snapcreate --origin origin --cow cow --size max --chunk-size 512K
    assert_status 0
    contents piece 524288 piece
    # As the kernel does it: chunk 5 was copied, and is written to. About twelve samples are there.
    dd if=piece of=origin bs=524288 seek=5 conv=notrunc status=none
    perl -e 'print pack("Q<4", 99999, 2, 6, 3)' | dd of=cow bs=524288 seek=1 conv=notrunc status=none
    program snapcheck --repair-to new --accept=view-change --origin origin cow
    assert_status 1
    program snapcheck --origin origin new
    assert_status 0
    program snapinspect --extract out --skip-damaged=origin --origin origin cow
    assert_status 4
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    assert_said "1 finding of entry-old-range will be mended"
    program snapcheck --origin origin cow
    assert_status 0
    assert_shown "belong together"
}

@test "an entry beyond an origin that the record says was larger: damage only where that one ended as well" {
    file_systems origin
    cp origin view
    e2label view changed
    made
    cp cow sound
    perl -e 'print pack("Q<", 99999)' | dd of=cow bs=1 seek=4096 conv=notrunc status=none
    truncate -s 4M origin
    program snapcheck --origin origin cow
    assert_status 4
    assert_shown "area 0 slot 0: origin chunk 99999, but the origin had 2048 chunks when the store was made (corrupting: entry-old-range)"
    cp sound cow
    perl -e 'print pack("Q<", 2047)' | dd of=cow bs=1 seek=4096 conv=notrunc status=none
    cp cow cow.before
    refused_by_all origin "the store reaches byte 8388608 of its origin, but this one ends at byte 4194304"
    program snapcheck --json --origin origin cow
    assert_json '.result.findings_total' 0
    program snapcheck -y --accept=view-change --origin origin cow
    cmp cow cow.before
}

@test "one entry with a wild data chunk is damage, no cut" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/one-entry.recipe" cow origin view
    perl -e 'print pack("Q<", 1 << 40)' | dd of=cow bs=1 seek=$((4096 + 8)) conv=notrunc status=none
    program snapmerge --origin origin --cow cow
    assert_status 4
    assert_said "1 of 1 entries has its data behind the end of the device"
}

@test "a record of a larger origin: refused with both sizes" {
    file_systems origin
    cp origin view
    e2label view changed
    made
    truncate -s 7M origin
    refused_by_all origin "the store was made for an origin of 16384 sectors, but this one has 14336"
    program snapmerge --origin origin --cow cow
    assert_said "if it was cut, make it as long again as it was, 8388608 bytes"
}

@test "a fingerprint proves the pair, also with another file system in the snapshot" {
    file_systems origin view
    contents piece 1638400 piece
    dd if=piece of=origin bs=4096 seek=1200 conv=notrunc status=none
    dd if=piece of=view bs=4096 seek=1200 conv=notrunc status=none
    made --accept=identity
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    assert_said "cow and origin belong together: "
    assert_said "sampled blocks of this origin are what they were when the store recorded them"
    program snapcheck --json --origin origin cow
    assert_json '.result.pair | "\(.outcome) \(.reason)"' "proven fingerprint"
}

@test "a sibling that shares nearly all content: its UUID is not that of the record" {
    local seed
    file_systems origin
    contents piece 1638400 piece
    dd if=piece of=origin bs=4096 seek=1200 conv=notrunc status=none
    cp origin view
    cp origin sibling
    tune2fs -U random sibling >/dev/null 2>&1
    e2label view changed # so the sample of the superblock says nothing
    for seed in 1 2 3 4; do
        made
        program snapmerge -n --origin sibling --cow cow
        assert_status 8
        assert_said "but this one has ext4 (UUID $(blkid -p -o value -s UUID sibling))"
    done
    refused_by_all sibling "the store was made for an origin with ext4"
}

# layers: two overlays, the second one made over the first one's view; both hold other chunks.
layers() {
    file_systems origin
    cp origin first.view
    contents piece 1638400 first
    dd if=piece of=first.view bs=4096 seek=1200 conv=notrunc status=none
    cp first.view second.view
    contents piece 1638400 second
    dd if=piece of=second.view bs=4096 seek=1600 conv=notrunc status=none
    program snapcreate --origin origin --cow first.cow --size max --from-diff first.view
    program snapcreate --origin first.view --cow cow --size max --from-diff second.view
    cp cow cow.before
}

@test "two generations of overlays in the wrong order: refused; in the right one, merged" {
    layers
    refused_by_all origin "stores were merged in the wrong order"
    program snapmerge --origin origin --cow first.cow
    assert_status 0
    cmp origin first.view
    program snapmerge --origin origin --cow cow
    assert_status 0
    cmp origin second.view
}

@test "a base image that was replaced by its next version with the same UUID: refused" {
    file_systems origin
    cp origin view
    contents piece 1638400 piece
    dd if=piece of=view bs=4096 seek=1200 conv=notrunc status=none
    made
    dd if=piece of=origin bs=4096 seek=1000 conv=notrunc status=none
    refused_by_all origin "or a newer version of it"
}

@test "an origin that was mounted without its snapshot: refused" {
    need_loops
    file_systems origin
    cp origin view
    contents piece 40000 piece
    dd if=piece of=view bs=4096 seek=1200 conv=notrunc status=none
    made
    mkdir there
    mount -o loop origin there
    echo written >there/file
    umount there
    refused_by_all origin "the origin was used without its snapshot"
}

@test "an empty store whose origin was changed since: nothing to merge, and it is to be made anew" {
    file_systems origin
    program snapcreate --origin origin --cow cow --size max
    cp cow cow.before
    contents piece 40000 piece
    dd if=piece of=origin bs=4096 seek=5 conv=notrunc status=none
    cp origin origin.before
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_said "cow and origin do not belong together: "
    assert_said "the origin was changed since then, or it is the wrong one, or the kernel has merged this store"
    assert_said "cow: its list is empty: name the right origin; or, if the store is of no use any more, make it anew: snapcreate -f --origin origin --cow cow"
    assert_said "cow: nothing to merge, the store is empty"
    cmp origin origin.before
    cmp cow cow.before
    program snapcheck --origin origin cow
    assert_status 8
    assert_shown "cow: its list is empty: name the right origin; or, if the store is of no use any more, make it anew: snapcreate -f --origin origin --cow cow"
    program snapinspect --origin origin cow
    assert_status 0
    assert_said "make it anew: snapcreate"
    program snapmerge --output there --origin origin --cow cow
    assert_status 8
    assert_said "make it anew: snapcreate"
    # Its view would be the wrong one from the first merge on.
    cp origin view
    e2label view changed
    program snapcreate --origin origin --cow other.cow --size max --from-diff view
    program snapmerge --origin origin --cow other.cow --preserve cow
    assert_status 8
    assert_said "; its list is empty: name the right origin; or, if the store is of no use any more, make it anew: snapcreate -f --origin origin --cow cow"
    cmp origin origin.before
    cmp cow cow.before
    program snapcreate -f --origin origin --cow cow
    assert_status 0
    program snapmerge --origin origin --cow other.cow --preserve cow
    assert_status 0
}

@test "a store that a merge has emptied, whose record names what the origin had before: the command may be repeated" {
    file_systems origin view
    made --accept=identity
    program snapmerge --origin origin --cow cow
    assert_status 0
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_said "cow: nothing to merge, the store is empty"
    cmp origin view
}

@test "--preserve judges each store alike" {
    file_systems origin other
    cp origin view
    e2label view changed
    made --no-identity
    mv cow plain
    mv origin first
    mv other origin
    cp origin view
    e2label view foreign
    made --no-identity
    program snapmerge --origin first --cow plain --preserve cow
    assert_status 8
    assert_said "cow: the store holds ext4 (UUID"
    cmp cow cow.before
}

@test "the word waives the contradiction of each store, and each is said on a line of its own before the first write" {
    file_systems origin other third
    cp origin view
    e2label view changed
    made
    cp other other.view
    e2label other.view changed
    program snapcreate --origin other --cow other.cow --size max --from-diff other.view
    program snapmerge -n --accept=identity --origin third --cow cow --preserve other.cow
    assert_status 0
    assert_equal "$(grep -c "warning: cow and third do not belong together: .* (waived by --accept=identity)$" <<<"$stderr")" 1
    assert_equal "$(grep -c "warning: other.cow and third do not belong together: .* (waived by --accept=identity)$" <<<"$stderr")" 1
    program snapmerge -q --accept=identity --origin third --cow cow --preserve other.cow
    assert_status 0
    assert_equal "$(grep -c "waived by --accept=identity" <<<"$stderr")" 2
}

@test "snapcreate: a store is no origin; a newer state must be one of the same contents" {
    file_systems origin other
    program snapcreate --origin origin --cow cow --size max
    program snapcreate --origin cow --cow second --size max
    assert_status 8
    assert_said "cow: it is itself a snapshot store"
    [ ! -e second ]
    program snapcreate --accept=identity --origin cow --cow second --size max
    assert_status 0
    program snapcreate --origin origin --cow third --size max --from-diff other
    assert_status 8
    assert_said "other: it has ext4 (UUID"
    assert_said "--accept=identity"
    [ ! -e third ]
    program snapcreate --accept=identity --origin origin --cow third --size max --from-diff other
    assert_status 0
}

# A qcow2 image that is as large as what it contains, or a packed file.
@test "an origin that is an image of another format, or packed, is refused by all; --accept=identity takes it as raw" {
    file_systems origin
    cp origin view
    contents piece 40000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    made --no-identity
    cp origin disk
    printf 'QFI\373\0\0\0\3' | dd of=disk conv=notrunc status=none
    cp disk disk.before
    refused_by_all disk "the origin is a qcow2 image, in which nothing stands where the store expects it"
    assert_json .result.pair.reason origin-not-raw
    program snapmerge --origin disk --cow cow
    assert_said "; make a raw one first: qemu-img convert -O raw disk RAW; if you know that it is raw, and only begins like that, add --accept=identity"
    program snapinspect --origin disk --extract new cow
    assert_status 8
    [ ! -e new ]
    program snapcreate --identify --origin disk --cow cow -y
    assert_status 8
    printf '\037\213\010' | dd of=disk conv=notrunc status=none
    refused_by_all disk "the origin is packed with gzip, so nothing in it stands where the store expects it"
    # It is shorter than what it contains: not to be lengthened.
    printf 'QFI\373' | dd of=disk conv=notrunc status=none
    truncate -s 1M disk
    refused_by_all disk "it is the wrong origin, or it was cut; but the origin is a qcow2 image"
    program snapmerge --accept=identity --origin disk --cow cow
    assert_status 8
    assert_said "is a qcow2 image; make a raw one first: qemu-img convert -O raw disk RAW"
    assert_not_said truncate
    assert_not_said --accept=identity
    program snapmerge --accept=identity --origin disk.before --cow cow
    assert_status 0
    assert_said "(waived by --accept=identity)"
    cmp -i 6144000 -n 40000 disk.before view
}

@test "snapcreate: an image of another format, or a packed file, is no origin and no newer state; once accepted it is proven" {
    contents origin 2097152 origin
    cp origin newer
    printf 'QFI\373\0\0\0\3' | dd of=newer conv=notrunc status=none
    cp newer disk
    program snapcreate --origin disk --cow cow --size max
    assert_status 8
    assert_said "disk: it is a qcow2 image; make a raw one first: qemu-img convert -O raw disk RAW; if you know that"
    assert_said "only begins like that, add --accept=identity"
    [ ! -e cow ]
    program snapcreate --origin origin --cow cow --size max --from-diff newer
    assert_status 8
    assert_said "newer: it is a qcow2 image; "
    [ ! -e cow ]
    cp disk newer
    printf 'other' | dd of=newer bs=4096 seek=5 conv=notrunc status=none
    program snapcreate --accept=identity --origin disk --cow cow --size max --from-diff newer
    assert_status 0
    program snapmerge --origin disk --cow cow
    assert_status 0
    assert_said "belong together"
    cmp disk newer
    printf '\037\213\010' | dd of=disk conv=notrunc status=none
    program snapcreate --origin disk --cow second --size max
    assert_status 8
    assert_said "disk: it is packed with gzip; unpack it first; if you know that it is raw"
    [ ! -e second ]
    need_loops
    loop_over disk
    program snapcreate --origin "$loop" --cow second --size max # so few bytes may stand on any device
    assert_status 0
}

@test "one content again and again is no proof; sixteen blocks with eight contents are" {
    truncate -s 8M origin
    seq -f 'some line %.0f' 1000 | head -c 4096 >page
    for ((i = 0; i < 2048; i++)); do cat page; done >origin
    cp origin view
    contents piece 40000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    made
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    assert_said "cow and origin likely belong together: "
    assert_said "sampled blocks of this origin (different contents: 1) are what they were"
    contents piece 1638400 other
    dd if=piece of=origin bs=4096 conv=notrunc status=none
    dd if=piece of=view bs=4096 conv=notrunc status=none
    made
    program snapmerge -n --origin origin --cow cow
    assert_status 0
    assert_said "cow and origin belong together: "
}

# with_serial LOOP NUMBER PROGRAM ARGUMENT...: the program, where sysfs says that this loop device has a serial number.
with_serial() {
    local attributes=/sys/devices/virtual/block/${1#/dev/} number=$2
    shift 2
    run --separate-stderr unshare -m bash -euc '
        mkdir -p kept
        for name in size dev ro loop queue holders slaves; do cp -r "$1/$name" kept/ 2>/dev/null || true; done
        echo "$2" >kept/serial
        mount -t tmpfs none "$1"
        cp -r kept/. "$1"
        shift 2
        exec "$@"' bash "$attributes" "$number" $WRAPPER "$BUILDDIR/tools/$@" </dev/null
}

@test "a copy of the origin on another disk: both facts are said, and the word goes on" {
    need_loops
    unshare -m true 2>/dev/null || skip "needs mount namespaces"
    file_systems origin
    contents piece 1638400 piece
    dd if=piece of=origin bs=4096 seek=1200 conv=notrunc status=none
    cp origin view
    e2label view changed
    loop_over origin
    with_serial "$loop" WD-1 snapcreate --origin "$loop" --cow cow --size max --from-diff view
    assert_status 0
    cp origin copy
    cp cow cow.before
    loop_over copy
    with_serial "$loop" WD-2 snapmerge --origin "$loop" --cow cow
    assert_status 8
    assert_said "the store was made for an origin with serial number WD-1, but this one has WD-2; but "
    assert_said " sampled blocks are what they were when the store recorded them: is it a copy of the origin?"
    assert_said "; if it is one, and $loop is the one that you mean, add --accept=identity"
    cmp cow cow.before
    with_serial "$loop" WD-2 snapcheck --origin "$loop" cow
    assert_status 8
    assert_shown "cow and $loop may not belong together: "
    with_serial "$loop" WD-2 snapmerge --accept=identity --origin "$loop" --cow cow
    assert_status 0
    loops_detach
    cmp copy view
}

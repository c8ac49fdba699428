#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What people type first: devices without their options, the wrong device, and what they are told then.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/one-entry.recipe" cow origin view
}

# --- the line that was meant -----------------------------------------------------------------------
# assert_meant LINE: a usage error that ends with this line to paste.
assert_meant() {
    assert_usage_error "unexpected operand '"
    assert_said "so this was meant:"
    assert_equal "${stderr##*$'\n'}" "  $name $1"
}

@test "devices without their options, in either order: the line that was meant, with what was asked for" {
    remember origin cow
    for name in snapmerge snapinspect snapcheck; do
        program "$name" origin cow
        assert_meant '--origin origin --cow cow'
        program "$name" -n cow --memory=64M origin
        assert_meant '--origin origin --cow cow --dry-run --memory 64M'
    done
    assert_untouched
}

@test "the line that was meant can be pasted, whatever the names are" {
    mv cow "the store's"
    program snapcheck origin "the store's"
    assert_status 16
    eval "program ${stderr##*$'\n'}"
    assert_status 0
}

@test "one device without its option; two of which none is a store; snapcreate" {
    program snapmerge --origin origin cow
    assert_status 16
    assert_said '  snapmerge --origin origin --cow cow'
    program snapmerge origin view
    assert_status 16
    assert_said 'neither of these two holds a snapshot store. If the COW is view, this was meant:'
    assert_said '  snapmerge --origin origin --cow view'
    program snapcreate origin new --size max
    assert_status 16
    assert_said '  snapcreate --origin origin --cow new --size max'
    [ ! -e new ]
    program snapmerge cow
    assert_status 16
    assert_not_said 'meant'
}

@test "- is no file: where it cannot be standard output it is refused" {
    local option
    remember origin cow
    for option in undo bad-list checkpoint preserve cow; do
        program snapmerge --origin origin --keep-cow --continue-on-error "--$option" -
        assert_status 16
        assert_said "snapmerge: --$option: it cannot be standard input or output (a file with the name - is written ./-)"
    done
    program snapcreate --origin origin --size max --cow -
    assert_status 16
    assert_untouched
    assert [ ! -e - ]
    program snapcreate --origin origin --size max --cow ./- --label -
    assert_status 0
    assert [ -e ./- ]
}

@test "an option whose value was forgotten, whichever it is" {
    program snapmerge --origin --cow cow
    assert_status 16
    assert_said 'snapmerge: --origin: the argument DEV is missing: what follows is the option --cow (a file with this name is written ./--cow)'
    assert_not_said 'meant'
    program snapmerge --origin origin --cow -n
    assert_status 16
    assert_said 'snapmerge: --cow: the argument DEV is missing: what follows is the option -n'
    program snapmerge --origin origin --cow cow --preserve --undo=x
    assert_status 16
    assert_said 'snapmerge: --preserve: the argument COW2 is missing: what follows is the option --undo=x'
    program snapcreate --origin origin --cow new --size max --label --cow
    assert_status 0
    cp cow ./--cow
    program snapcheck --origin origin --cow ./--cow
    assert_status 0
    program snapinspect --origin origin --extract - cow
    assert_status 0
}

@test "snapcreate without its options: what would be lost is said before the line that overwrites it" {
    cp origin plain
    program snapcreate plain cow
    assert_status 16
    assert_said 'Devices are named by options. cow holds a snapshot store with '
    assert_said $'remember its origin:\n  snapcreate --identify --origin plain --cow cow\n'
    assert_said $'which is lost then (-f is needed):\n  snapcreate --origin plain --cow cow'
    program snapcreate -f cow plain
    assert_status 16
    assert_said $'which is lost then (-f is needed):\n  snapcreate --origin plain --cow cow --force'
    program snapcreate --origin plain cow
    assert_status 16
    assert_said 'cow holds a snapshot store with '
    mkfs.ext4 -q -L precious image 1M
    truncate -s 1M blank
    program snapcreate blank image
    assert_status 16
    assert_said $'This was meant:\n  snapcreate --origin image --cow blank'
    program snapcreate image blank
    assert_said $'This was meant:\n  snapcreate --origin image --cow blank'
    program snapcreate image plain
    assert_said 'plain holds contents that are not known: '
    assert_said $'which is lost then (-f is needed):\n  snapcreate --origin image --cow plain'
}

@test "--cow in snapinspect and snapcheck is the operand, and not both" {
    for name in snapinspect snapcheck; do
        program "$name" --origin origin cow
        local before=$output
        program "$name" --cow cow --origin origin
        assert_status 0
        assert_equal "$output" "$before"
        program "$name" --cow cow cow
        assert_usage_error 'the COW is named twice: --cow cow, and the operand cow'
    done
    program snapinspect --origin origin --cow cow --extract out
    assert_status 0
    cmp out view
}

# --- the wrong COW ---------------------------------------------------------------------------------
# assert_told TEXT: what is said of the file `wrong` by all programs that read a COW.
assert_told() {
    remember origin wrong
    program snapmerge --origin origin --cow wrong
    assert_status 4
    assert_said "snapmerge: wrong: not a snapshot store: "
    assert_said "; $1"
    assert_said 'Nothing was written.'
    program snapinspect wrong
    assert_status 4
    assert_said "wrong: $1"
    program snapcheck wrong
    assert_status 4
    assert_said "wrong: $1"
    program snapinspect --origin origin --extract out wrong
    assert_status 4
    assert_said "; $1"
    assert_untouched
}

@test "a file system, a member, LUKS, a disk with partitions: what is in the wrong COW" {
    truncate -s 16M wrong
    mkfs.ext4 -q -L rootfs -U 0e5c0e5c-0000-4000-8000-00000000beef wrong
    assert_told 'it holds ext4 "rootfs" (UUID 0e5c0e5c-0000-4000-8000-00000000beef): is this the origin?'
    assert_not_said 'never used'
    truncate -s 0 wrong
    truncate -s 16M wrong
    sfdisk -q wrong <<<'label: gpt'
    assert_told 'it holds gpt partition table '
    assert_said ': is this the origin, or is the store on one of its partitions?'
    # The label of a physical volume: its sector, and the checksum of what follows.
    truncate -s 0 wrong
    truncate -s 16M wrong
    perl -e '
        my $rest = pack("L< a8 a32 Q< x16 Q< x8 x16", 32, "LVM2 001", "A" x 32, 16 << 20, 1 << 20);
        $rest .= "\0" x (512 - 20 - length $rest);
        my $crc = 0xf597a6cf;
        for my $byte (unpack "C*", $rest) {
            $crc ^= $byte;
            $crc = $crc & 1 ? ($crc >> 1) ^ 0xedb88320 : $crc >> 1 for 1 .. 8;
        }
        print "LABELONE", pack("Q< L<", 1, $crc), $rest;
    ' | dd of=wrong bs=512 seek=1 conv=notrunc status=none
    assert_told 'it holds LVM2_member '
    assert_said 'this is a physical volume of LVM; the store is one of the logical volumes on it'
}

@test "an image in another format, a packed store: what to do with the wrong COW" {
    printf 'QFI\373\0\0\0\3' >wrong
    truncate -s 1M wrong
    assert_told 'it is a qcow2 image; make a raw one first: qemu-img convert -O raw wrong RAW'
    gzip -n <cow >wrong
    truncate -s %512 wrong
    assert_told 'it is packed with gzip; unpack it first'
}

@test "only what is blank was never used; and a snapshot of mode N leaves no store" {
    truncate -s 2M wrong
    assert_told 'it is blank: never used, or reset; the kernel would start a new store here; a snapshot of mode N '
    printf x | dd of=wrong bs=1 seek=9000 conv=notrunc status=none
    assert_told 'it is not blank behind that: its header may have been zeroed, so do not load it'
    assert_not_said 'never used'
    contents wrong 1048576 noise
    assert_told 'what it holds is not known; a snapshot of mode N (not persistent) leaves no store behind either'
    program snapcheck cow
    assert_not_said 'it holds'
    if ! lacks json-c; then
        program snapcheck --json wrong
        assert_json '.result.content | startswith("what it holds is not known")' true
        program snapinspect --json wrong
        assert_json '.result.content | startswith("what it holds is not known")' true
        program snapinspect --json cow
        assert_json '.result.content' null
    fi
}

@test "entries of a store behind a header that was zeroed or overwritten: they are told, and never called unused" {
    local size bytes
    local -A chunks=([512]='512 bytes' [4096]='4 KiB' [65536]='64 KiB')
    for size in 512 4096 65536; do
        contents origin 4000000 origin
        cp origin newer
        printf changed | dd of=newer bs=1 seek=1000000 conv=notrunc status=none
        printf changed | dd of=newer bs=1 seek=2000000 conv=notrunc status=none
        rm -f wrong
        program snapcreate --no-identity --chunk-size "$size" --origin origin --cow wrong --size max --from-diff newer
        assert_status 0
        for bytes in 4 512; do
            dd if=/dev/zero of=wrong bs="$bytes" count=1 conv=notrunc status=none
            assert_told "the header is zeroed, but 2 entries of a store with chunks of ${chunks[$size]} stand behind it "
            assert_said '(of the first 2, 2 name the data chunk that a kernel would give): do not write to this device, '
            assert_said 'keep a copy of it, then write the header anew: snapcheck -y --accept=header '
            assert_not_said 'never used'
        done
        printf noise | dd of=wrong bs=512 count=1 conv=notrunc status=none
        assert_told 'the header is overwritten, but 2 entries of a store with chunks of '
        lacks json-c || for name in snapcheck snapinspect; do
            program "$name" --json wrong
            assert_status 4
            assert_json '.result.lost_list | "\(.chunk_sectors) \(.entries) \(.all_entries)"' "$((size / 512)) 2 true"
        done
    done
}

@test "data of a store that look like a file system do not hide the store, nor does its list hide a file system" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/areas-chunks.recipe" wrong recipe-origin
    printf '\1CD001\1' | dd of=wrong bs=1 seek=32768 conv=notrunc status=none
    dd if=/dev/zero of=wrong bs=512 count=1 conv=notrunc status=none
    assert_told 'the header is zeroed, but 600 entries of a store with chunks of 4 KiB stand behind it (of the first 256, '
    assert_said ', and what looks like iso9660 '
    assert_said ' there may be data of the snapshot: do not write to this device'
    program snapcreate --origin origin --cow wrong
    assert_status 8
    assert_said 'it holds what is left of a store: the header is zeroed'
    printf x | dd of=wrong bs=1 seek=2000 conv=notrunc status=none
    assert_told 'it holds iso9660 '
    assert_not_said 'a store with chunks'
}

@test "no entries are told behind a header: of a file system that was made over a store, of noise, of nothing" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/areas-chunks.recipe" wrong recipe-origin
    truncate -s 16M wrong
    mkswap -q wrong
    assert_told 'it holds swap '
    assert_not_said 'a store with chunks'
    if ! lacks json-c; then
        program snapcheck --json wrong
        assert_json '.result.lost_list' null
    fi
    contents wrong 1048576 noise
    assert_told 'what it holds is not known'
    dd if=/dev/zero of=wrong bs=512 count=1 conv=notrunc status=none
    assert_told 'it is not blank behind that'
    assert_not_said 'a store with chunks'
    truncate -s 0 wrong
    truncate -s 20M wrong
    assert_told 'it is blank: never used, or reset'
    printf x | dd of=wrong bs=1M seek=19 conv=notrunc status=none
    truncate -s 64M wrong
    contents end 1048576 noise
    dd if=end of=wrong bs=1M seek=40 conv=notrunc status=none
    assert_told 'it is not blank behind that'
}

# --- small things ----------------------------------------------------------------------------------
@test "a damaged store: snapinspect shows it, and its status is 4" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/new-top-byte.recipe" cow origin view
    program snapinspect cow
    assert_status 4
    [[ $output == *"entries     "* ]]
    program snapinspect --list cow
    assert_status 4
    [[ $output == *INDEX* ]]
}

@test "what was printed comes before what is said after it, also where both go to one place" {
    truncate -s 1M wrong
    program_in_shell '2>&1' snapcheck wrong
    [[ ${lines[-1]} == 'wrong: it is blank:'* ]]
    [[ ${lines[0]} == 'wrong: '*header-empty* ]]
}

@test "one of a kind is no plural" {
    program snapcheck cow
    [[ $output == 'cow: 1 entry in chunks of '* ]]
    program snapmerge -n --origin origin --cow cow
    [[ $output == *'entries     1 in 1 run, 4 KiB'* ]]
    [[ $output == *' in 1 request'* ]]
    [[ $output != *'1 requests'* ]]
}

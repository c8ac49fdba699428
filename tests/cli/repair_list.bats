#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcheck mends headers and ends of lists: a list that lost its header, that was cut, or that is gone.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load repairs
    in_folder
}

@test "a zeroed header over a list: written anew with its own word only, and taken back" {
    local chunk
    for chunk in 512 4K 64K; do
        rm -f origin view cow*
        contents origin 8388608 origin
        cp origin view
        contents piece 700000 piece
        dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
        program snapcreate --chunk-size $chunk --origin origin --cow cow --size max --from-diff view
        assert_status 0
        cp cow whole
        dd if=/dev/zero of=cow bs=16 count=1 conv=notrunc status=none
        cp cow cow.before
        program snapcheck -y --accept=view-change,revalidate cow
        assert_status 4
        assert_said "snapcheck -y --accept=header cow"
        cmp cow cow.before
        program snapcheck -y --accept=header cow
        assert_status 1
        cmp cow whole
        program snapcheck --put-back cow.old-bytes cow
        assert_status 0
        cmp cow cow.before
        rm cow.old-bytes
    done
}

@test "a header that is gone, with a damaged entry beside it: the header first, then the entry" {
    local chunk header sectors
    for chunk in 512 4K 64K; do
        for header in '' noise; do
            headless $chunk $header
            sectors=$(number whole 12 4)
            # The fifth entry names a chunk far behind the device.
            perl -e 'print pack("Q<", 0xffff000000)' |
                dd of=cow bs=1 seek=$((sectors * 512 + 4 * 16 + 8)) conv=notrunc status=none
            cp cow cow.before
            program snapcheck --origin origin cow
            assert_status 4
            assert_said "name the data chunk that a kernel would give, and 1 can be no entry of it)"
            assert_said "write the header anew: snapcheck -y --accept=header --origin origin cow"
            program snapcheck -y --accept=header --origin origin cow
            assert_status 5
            assert_said "To see what can be mended, without a write: snapcheck -n -y --accept=view-change --origin origin cow"
            program snapcheck -y --accept=view-change --origin origin cow
            assert_status 1
            cmp -i 512 cow whole
            program snapcheck --put-back cow.old-bytes.1 cow
            assert_status 0
            program snapcheck --put-back cow.old-bytes cow
            assert_status 0
            cmp cow cow.before
        done
    done
}

@test "a header that is gone, of a store that was cut as well" {
    local chunk
    for chunk in 512 4K; do
        headless $chunk
        truncate -s $((20 * $(number whole 12 4) * 512)) cow
        program snapcheck -y --accept=header --origin origin cow
        assert_status 9
        assert_shown "so it was cut, or copied in part"
        dd if=whole of=cow bs=512 skip=1 seek=1 conv=notrunc status=none
        program snapcheck cow
        assert_status 0
        "$BUILDDIR/tools/snapinspect" -q --accept=identity --origin origin --extract shown cow
        cmp shown view
        rm shown
    done
}

@test "a piece of a file system in the data of a store is not what the device holds" {
    headless 512 noise
    program snapcheck --origin origin cow
    assert_status 4
    assert_said "entries of a store with chunks of 512 bytes stand behind it"
    assert_said "and what looks like ext4"
    program snapcheck -y --accept=header --origin origin cow
    assert_status 1
    cmp -i 512 cow whole
    # A list of few entries: the superblock stands where the snapshot has it as well.
    rm -f cow*
    cp origin view
    tune2fs -L newer view >/dev/null
    program snapcreate --chunk-size 512 --origin origin --cow cow --size max --from-diff view
    printf noise | dd of=cow conv=notrunc status=none
    program snapcheck -y --accept=header --origin origin cow
    assert_status 1
    program snapinspect cow
    assert_shown "chunks of 512 bytes"
}

@test "a header that is gone, and two chunk sizes that make sense: none is guessed" {
    recipe areas-chunks
    cp cow whole
    # The second data chunk has a list of a store with chunks of 8 KiB; it does not outweigh, and is not outweighed.
    perl -e 'print pack("Q<2", 5 + $_, 2 + $_) for 0 .. 99; print "\0" x (16 * 156)' |
        dd of=cow bs=4096 seek=2 conv=notrunc status=none
    dd if=/dev/zero of=cow bs=512 count=1 conv=notrunc status=none
    cp cow cow.before
    program snapcheck cow
    assert_status 4
    assert_said "with chunks of 8 KiB there is a list as well)"
    assert_said "snapcheck -y --accept=header --chunk-size SIZE cow"
    program snapcheck -y cow
    assert_said "snapcheck -y --accept=header --chunk-size SIZE cow"
    program snapcheck -y --accept=header cow
    assert_status 8
    assert_said "say which the store had: --chunk-size 4096, or --chunk-size 8192"
    program snapcheck -y --accept=header --chunk-size 16K cow
    assert_status 8
    assert_said "with chunks of 16 KiB there is no list"
    cmp cow cow.before
    program snapcheck -y --chunk-size 4K cow
    assert_status 16
    program snapcheck -n -y --accept=header --chunk-size 4K cow
    assert_said "To mend it: snapcheck -y --accept=header --chunk-size 4096 cow"
    program snapcheck -y --accept=header --chunk-size 4K cow
    assert_status 1
    cmp -n 16 cow whole
}

@test "a header that is gone, and two chunk sizes that make sense: the record of the store decides" {
    headless 4K
    # The first data chunk has a list of a store with chunks of 8 KiB, with more entries.
    perl -e 'print pack("Q<2", 5 + $_, 2 + $_) for 0 .. 254; print "\0" x 16' |
        dd of=cow bs=4096 seek=2 conv=notrunc status=none
    cp cow two
    program snapcheck -y --accept=header cow
    assert_status 8
    assert_said "with chunks of 8 KiB, and one with chunks of 4 KiB; say which the store had"
    cp two cow
    dd if=whole of=cow bs=4 skip=1 seek=1 count=127 conv=notrunc status=none # but for the magic
    program snapcheck -y --accept=header cow
    assert_status 1
    cmp -n 4096 cow whole
}

@test "a header and area 0 that are zeroed: what stands behind them is said, and comes back" {
    recipe areas-chunks
    dd if=/dev/zero of=cow bs=4096 count=2 conv=notrunc status=none
    cp cow cow.before
    program snapcheck --origin origin cow
    assert_status 4
    assert_said "but at byte 1056768 there is what would be area 1 of a store with chunks of 4 KiB, with 344 entries from there on (of the first 256, 256 name"
    assert_said "the 256 entries in front of these are lost"
    assert_said "snapcheck -y --accept=header --chunk-size 4096 --origin origin cow"
    program snapinspect cow
    assert_said "there is what would be area 1 of a store with chunks of 4 KiB"
    program snapcheck -y --accept=header --origin origin cow
    assert_status 4
    assert_said "snapcheck -y --accept=header --chunk-size 4096 --origin origin cow"
    program snapcheck -y --accept=header --chunk-size 8K --origin origin cow
    assert_status 8
    assert_said "with chunks of 8 KiB there is no list"
    cmp cow cow.before
    program snapcheck -y --accept=header --chunk-size 4096 --origin origin cow
    assert_status 1
    program snapcheck --origin origin cow
    assert_said "snapcheck -n -y --accept=view-change --origin origin cow"
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    assert_said "344 entries come back into the list"
    assert_said "between them 256 entries are lost"
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
    cmp -i $(((1 + 3 * 256) * 4096)) shown view
    program snapcheck --put-back cow.old-bytes.1 cow
    program snapcheck --put-back cow.old-bytes cow
    cmp cow cow.before
}

@test "JSON: what speaks for a list that lost its header, and what against it" {
    recipe areas-chunks
    entry 4 99 4294967296
    entry 5 99 1
    dd if=/dev/zero of=cow bs=512 count=1 conv=notrunc status=none
    program snapcheck --json cow
    assert_status 4
    assert_json '.result.lost_list | [.chunk_sectors, .entries, .all_entries, .seen_entries, .entries_in_place] | join(" ")' \
        "8 600 true 256 254"
    assert_json '.result.lost_list | "\(.entries_against) \(.other_chunk_sectors)"' "2 null"
    perl -e 'print pack("Q<2", 5 + $_, 2 + $_) for 0 .. 99; print "\0" x (16 * 156)' |
        dd of=cow bs=4096 seek=2 conv=notrunc status=none
    program snapcheck --json cow
    assert_json '.result.lost_list.other_chunk_sectors' 16
}

@test "a damaged version or chunk size: found by the record, and nothing is merged or mended with a wrong one" {
    contents origin 8388608 origin
    cp origin view
    contents piece 700000 piece
    dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
    program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
    cp cow whole
    cp origin origin.before
    local at byte
    while read -r at byte; do
        cp whole cow
        rm -f cow.old-bytes
        # shellcheck disable=SC2059
        printf "\\x$byte" | dd of=cow bs=1 seek="$at" conv=notrunc status=none
        cp cow cow.before
        program snapcheck --origin origin cow
        assert_status 4
        program snapmerge -y --origin origin --cow cow
        assert_status 4
        cmp origin origin.before
        program snapcheck -y --accept=view-change,revalidate --origin origin cow
        assert_status 4
        assert_said "snapcheck -y --accept=header --origin origin cow"
        cmp cow cow.before
        program snapcheck -y --accept=header cow
        assert_status 1
        cmp cow whole
    done <<'BYTES'
12 04
12 10
12 07
8 02
BYTES
}

# record_chunk CHUNK_SECTORS: what the record of cow says, with a checksum that is right.
record_chunk() {
    perl -e '
        my ($file, $sectors) = @ARGV;
        open my $cow, "+<", $file or die; binmode $cow; read($cow, my $sector, 512) == 512 or die;
        substr($sector, 64, 4) = pack("V", $sectors);
        substr($sector, 28, 4) = pack("V", 0);
        my $crc = 0xffffffff;
        for (unpack("C*", substr($sector, 16, 480))) {
            $crc ^= $_;
            $crc = $crc & 1 ? ($crc >> 1) ^ 0x82f63b78 : $crc >> 1 for 1 .. 8;
        }
        substr($sector, 28, 4) = pack("V", $crc ^ 0xffffffff);
        seek($cow, 0, 0); print $cow $sector; close $cow or die' cow "$1"
}

@test "a record with another chunk size than the header: the list decides, and a sound header is not overwritten" {
    local wrong
    headless 4K
    for wrong in 1 4 16 128; do
        cp whole cow
        record_chunk $wrong
        cp cow cow.before
        rm -f cow.old-bytes
        program snapcheck cow
        assert_status 4
        assert_shown "but its record is of a store with chunks of $wrong"
        program snapcheck -y --accept=view-change cow
        assert_status 4
        assert_said "with chunks of 4 KiB, as its header says, there is a list (of its first "
        cmp cow cow.before
        program snapcheck -y --accept=header cow
        assert_status 1
        assert_said "cow: its header stays; its record will get chunks of 4 KiB"
        cmp cow whole
        program snapcheck --put-back cow.old-bytes cow
        assert_status 0
        cmp cow cow.before
    done
}

@test "header and record name chunk sizes that both make sense: neither is overwritten until a person says which" {
    headless 4K
    # The first data chunk has a list of a store with chunks of 8 KiB: then an empty store of either size.
    perl -e 'print pack("Q<2", 5 + $_, 2 + $_) for 0 .. 254; print "\0" x 16' |
        dd of=whole bs=4096 seek=2 conv=notrunc status=none
    cp whole two
    dd if=/dev/zero of=whole bs=4096 seek=1 count=2 conv=notrunc status=none
    cp whole empty
    local store
    for store in two empty; do
        cp $store cow
        record_chunk 16
        cp cow cow.before
        rm -f cow.old-bytes
        program snapcheck -y cow
        assert_said "snapcheck -y --accept=header --chunk-size SIZE cow"
        program snapcheck -y --accept=header cow
        assert_status 8
        assert_said "with chunks of 4 KiB, as its header says, "
        assert_said "with chunks of 8 KiB, as its record says, "
        assert_said "nothing in it decides between chunks of 8 KiB and of 4 KiB; say which the store had: --chunk-size 8192, or --chunk-size 4096"
        cmp cow cow.before
        program snapcheck -y --accept=header --chunk-size 4K cow
        assert_said "its header stays"
        cmp -n 512 cow $store
        program snapcheck --put-back cow.old-bytes cow
        rm -f cow.old-bytes
        program snapcheck -y --accept=header --chunk-size 8K cow
        assert_said "it will get a header for chunks of 8 KiB"
        assert_equal "$(number cow 12 4)" 16
        program snapcheck --put-back cow.old-bytes cow
        cmp cow cow.before
    done
}

@test "a list that is gone, from a store that was not merged: it is said by all programs, and nothing is called done" {
    contents origin 8388608 origin
    cp origin view
    contents piece 1500000 piece
    dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
    program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
    dd if=/dev/zero of=cow bs=4096 seek=1 count=1 conv=notrunc status=none
    dd if=/dev/zero of=cow bs=4096 seek=258 count=1 conv=notrunc status=none
    cp cow cow.before
    local said="cow: its list is empty, but origin holds nothing of what it named: the list may be lost"
    program snapcheck --origin origin cow
    assert_status 4
    assert_shown "$said"
    assert_shown "cow: 0 entries in chunks of 4 KiB, 2048 free chunks: its list may be lost"
    program snapmerge -y --origin origin --cow cow
    assert_status 8
    assert_said "$said"
    assert_said "Nothing was written."
    program snapinspect --origin origin cow
    assert_status 4
    [[ $output$stderr == *"$said"* ]]
    lacks json-c || for program in snapcheck snapinspect; do
        program $program --json --origin origin cow
        assert_status 4
        assert_json .result.empty_list lost
        program $program --json cow
        assert_status 0
        assert_json .result.empty_list unknown
    done
    program snapcheck --json --origin origin cow
    assert_json '"\(.result.verdict) \(.result.clean) \(.result.usable)"' "damaged false false"
    cmp cow cow.before
    # What a merge has emptied is not lost.
    program snapcreate -f -y --chunk-size 4K --origin origin --cow cow --from-diff view
    program snapmerge -y --origin origin --cow cow
    program snapcheck --origin origin cow
    assert_status 0
    [[ $output != *"may be lost"* ]]
    program snapcheck --json --origin origin cow
    assert_json .result.empty_list null
    # Nor what the kernel has emptied, which leaves the fingerprint: the origin has it.
    rm origin cow
    contents origin 8388608 origin
    program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
    dd if=/dev/zero of=cow bs=4096 seek=1 count=1 conv=notrunc status=none
    dd if=/dev/zero of=cow bs=4096 seek=258 count=1 conv=notrunc status=none
    cp view origin
    program snapcheck --origin origin cow
    assert_status 0
    program snapcheck --json --origin origin cow
    assert_json .result.empty_list merged
}

# By themselves no damage: the kernel makes a store anew with area 0 alone, and what a list of before left behind it fits
# as well. But then it clears chunk 0: a fingerprint that remembers entries tells that the list was lost.
@test "entries behind the end, which the origin does not have, are a warning, and nothing drops them" {
    contents origin 8388608 origin
    cp origin view
    contents piece 4000000 piece
    dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
    program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
    dd if=/dev/zero of=cow bs=4096 seek=1 count=1 conv=notrunc status=none
    cp cow cow.before
    for options in "" "-n -y" "-n -y --accept=view-change" --all; do
        # shellcheck disable=SC2086 # several words
        program snapcheck $options --origin origin cow
        assert_status 4
        assert_shown "(warning: list-cut)"
        assert_shown "cow: 0 entries in chunks of 4 KiB, 2048 free chunks: its list may be lost"
    done
    program snapcheck --json --origin origin cow
    assert_json .findings[0].severity warning
    program snapcheck --json cow
    assert_status 0
    assert_json .result.verdict warnings
    program snapcheck cow
    assert_status 0
    assert_shown "(warning: list-cut)"
    contents wrong 8388608 wrong
    program snapcheck --origin wrong cow
    assert_status 8
    assert_shown "(warning: list-cut)"
    program snapcheck --origin view cow
    assert_shown "(warning: list-cut)"
    cmp cow cow.before
    program snapmerge --origin origin --cow cow
    assert_status 8
    assert_said "can be brought back: snapcheck -n -y --accept=view-change --origin origin cow"
    assert_equal "$(grep -c -- --accept=view-change <<<"$stderr")" 1
    program snapcheck --repair-to new --origin origin cow
    assert_status 8
    assert_said "721 entries fit behind the end of its list, and origin does not have their data"
    assert_said "snapcheck -n --repair-to new --accept=view-change --origin origin cow"
    program snapcheck --repair-to new --accept=view-change --origin origin cow
    assert_status "$3"
    assert_said "721 entries come back into the list"
    cmp cow cow.before
    program snapcheck --origin origin new
    assert_status 0
    program snapcheck -y --accept=view-change --origin origin cow
    assert_shown "(warning: list-cut)"
    assert_shown "cow: 721 entries in chunks of 4 KiB, 1071 free chunks: clean"
}

@test "--repair-to of a list that is gone makes no empty store unless that is accepted" {
    contents origin 8388608 origin
    cp origin view
    contents piece 1500000 piece
    dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
    program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
    dd if=/dev/zero of=cow bs=4096 seek=1 count=1 conv=notrunc status=none
    dd if=/dev/zero of=cow bs=4096 seek=258 count=1 conv=notrunc status=none
    program snapcheck --repair-to new --origin origin cow
    assert_status 8
    assert_said "cow: its list is empty, but origin holds nothing of what it named"
    assert_said "to make an empty store all the same, add --accept=view-change"
    assert_said "Nothing was written."
    [ ! -e new ]
    program snapcheck --repair-to new --accept=view-change --origin origin cow
    assert_status 0
    [ -e new ]
}

@test "an empty list over masked samples: the evidence of it is said, and stays when there is nothing to merge" {
    contents origin 8388608 origin
    # Nothing of this can tell that it was not merged.
    dd if=/dev/zero of=origin bs=4096 seek=300 count=400 conv=notrunc status=none
    cp origin view
    contents piece 1500000 piece
    dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
    program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
    dd if=/dev/zero of=cow bs=4096 seek=1 count=1 conv=notrunc status=none
    dd if=/dev/zero of=cow bs=4096 seek=258 count=1 conv=notrunc status=none
    cp cow cow.before
    cp origin origin.before
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_said "cow: nothing to merge, the store is empty"
    assert_said "Nothing was written."
    program snapmerge --accept=cut --origin origin --cow cow
    assert_status 0
    assert_said "Nothing was written."
    cmp cow cow.before
    cmp origin origin.before
    for program in snapcheck snapinspect; do
        program $program --origin origin cow
        assert_status 0
        [[ $stderr == *"cow: its list is empty, but "*" masked samples "*"and origin does not show that this was merged"* ]]
        [[ $stderr == *"snapinspect -v --origin origin cow"* ]]
        program $program cow
        [[ $stderr == *"the origin may show which: snapcheck --origin ORIGIN cow"* ]]
    done
    # A merge that was killed before it took the fingerprint off is completed.
    cp view origin
    program snapcheck --origin origin cow
    [[ $stderr != *"masked samples"* ]]
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_said "cow: an earlier merge had ended before its last write, and that was made up for"
    [[ $stderr != *"Nothing was written."* ]]
    run ! cmp -s cow cow.before
}

@test "no header is written where no list is, nor over a file system" {
    truncate -s 8M cow
    program snapcheck -y --accept=header cow
    assert_status 4
    assert_said "Nothing was written."
    zero cow 0 8388608
    mke2fs -q -t ext4 cow
    cp cow cow.before
    program snapcheck -y --accept=header cow
    assert_status 4
    assert_said "Nothing was written."
    cmp cow cow.before
}

@test "what may be entries behind the end is left by -p, and said" {
    recipe garbage-behind-end
    program snapcheck -p cow
    assert_status 4
    assert_said "What stands behind the end of the list looks like entries, so -p leaves it"
    cmp cow cow.before
}

# ended: a list of 600 entries that one changed byte has ended after 100.
ended() {
    recipe areas-chunks
    entry 100 301 0
    cp cow cow.before
}

@test "one changed byte in a list: nothing by -p or without the origin; with it, all of its entries come back" {
    ended
    local before
    for before in -p -y "-y --accept=view-change"; do
        # shellcheck disable=SC2086
        program snapcheck $before cow
        assert_status 4
        assert_said "500 entries fit behind the end of the list."
        assert_said "snapcheck -n -y --accept=view-change --origin ORIGIN cow"
        cmp cow cow.before
    done
    program snapcheck -y --origin origin cow
    assert_status 4
    assert_said "500 entries fit behind the end of the list, and origin does not have their data."
    cmp cow cow.before
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    assert_said "500 entries come back into the list"
    assert_not_said "stay missing"
    assert_said "bytes 1232896 to 1236991 of the snapshot show their own data afterwards (garbage-behind-end)"
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
    cmp shown view
    program snapcheck --put-back cow.old-bytes cow
    assert_status 0
    cmp cow cow.before
}

@test "an entry that is lost for good is said" {
    recipe areas-chunks
    entry 100 0 0
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    assert_said "499 entries come back into the list"
    assert_said "between them 1 entry is lost: so many chunks of the snapshot stay missing"
}

@test "the first sector of an area is zeroed, and few entries stand behind it: they come back, and the loss is said" {
    recipe areas-chunks
    dd if=/dev/zero of=cow bs=16 seek=$((515 * 256)) count=32 conv=notrunc status=none
    dd if=/dev/zero of=cow bs=16 seek=$((515 * 256 + 39)) count=217 conv=notrunc status=none
    cp cow cow.before
    program snapcheck -y --origin origin cow
    assert_status 4
    cmp cow cow.before
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    assert_said "7 entries come back into the list"
    assert_said "between them 32 entries are lost: so many chunks of the snapshot stay missing"
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
    cmp -i $((1633 * 4096)) -n $((19 * 4096)) shown view # the entries of slots 32 to 38
    run ! cmp -s -i $((1633 * 4096)) -n $((19 * 4096)) origin view
    program snapcheck --put-back cow.old-bytes cow
    assert_status 0
    cmp cow cow.before
}

@test "a zeroed area in the middle of a list, or an older store under this one: both are said, with what to type" {
    recipe areas-chunks
    dd if=/dev/zero of=cow bs=4096 seek=258 count=1 conv=notrunc status=none
    program snapcheck --origin origin cow
    assert_status 0
    assert_said "between the end of the list and area 2, 256 slots are all zeros"
    assert_said "If a fault zeroed them, 256 entries are lost"
    assert_said "or a merge was cut short, area 2 is left of that, and nothing is missing"
    assert_said "To see what can be mended, without a write: snapcheck -n -y --accept=view-change --origin origin cow"
    assert_said "to merge what its list names: snapmerge --accept=cut --origin origin --cow cow"
    # The last sector of area 0 is lost, and nothing but zeros is there.
    recipe areas-chunks
    dd if=/dev/zero of=cow bs=512 seek=15 count=1 conv=notrunc status=none
    program snapcheck cow
    assert_said "between the end of the list and area 1, 32 slots are all zeros"
    program snapcheck --quiet cow
    assert_not_said "all zeros"
    recipe cut-half-merged
    program snapcheck -n -y --origin origin cow
    assert_not_said "all zeros"
    # The second reading, as it is typed.
    recipe areas-chunks
    dd if=/dev/zero of=cow bs=4096 seek=258 count=1 conv=notrunc status=none
    program snapmerge --accept=cut --origin origin --cow cow -y
    assert_status 0
    program snapcheck --origin origin cow
    assert_not_said "all zeros"
}

@test "the refusal to merge a list that was cut names the line that mends it, once" {
    local name
    for name in cut garbage-behind-end own; do
        recipe "${name/own/areas-chunks}"
        [ $name != own ] || entry 100 301 0 # cut inside of an area, with all that follows
        program snapmerge -y --origin origin --cow cow
        [ "$status" -ne 0 ]
        assert_said "snapcheck -n -y --accept=view-change --origin origin cow"
        assert_equal "$(grep -c -- --accept=view-change <<<"$stderr")" 1
        program snapmerge -n --origin origin --cow cow
        assert_equal "$(grep -c -- --accept=view-change <<<"$stderr")" 1
    done
}

@test "entries that a merge has taken off do not come back" {
    ended
    cp view origin
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    assert_said "500 entries stand behind the end of the list; origin has the data of all of them"
    program snapcheck --origin origin cow
    assert_status 0
    assert_shown "cow: 100 entries"
}

@test "a wrong origin is not asked which entries were merged" {
    ended
    mke2fs -q -t ext4 other 16M
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/areas-chunks.recipe" sound origin view
    program snapcheck -y --accept=view-change --origin sound cow
    assert_status 4
    assert_said "sound: it is not compared with the store: "
    cmp cow cow.before
}

@test "entries are lost for good in a store whose merge was begun: the origin stays the right one" {
    fingerprinted
    # It was killed when the last two were on the origin, before they were off the list; a fault has hit slots 3 to 6.
    dd if=view of=origin bs=4096 skip=14 seek=14 count=2 conv=notrunc status=none
    dd if=/dev/zero of=cow bs=16 seek=$((4096 / 16 + 3)) count=4 conv=notrunc status=none
    cp cow cow.before
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    assert_said "9 entries come back into the list"
    assert_said "between them 4 entries are lost"
    program snapcheck --origin origin cow
    assert_status 0
    program snapcheck --put-back cow.old-bytes cow
    assert_status 0
    cmp cow cow.before
}

# damaged INDEX OLD NEW...: a store with chunks of 4 KiB and 973 entries, as the snapshot shows it, then these entries.
damaged() {
    rm -f cow* new shown
    printf '%s\n' 'chunk_sectors 8' 'cow_chunks 1100' 'origin_sectors 32768' header 'entries 0 973 old=10+3*i' >recipe
    "$BUILDDIR/tests/images/mkstore" recipe cow origin view
    while [ $# -gt 0 ]; do
        entry "$1" "$2" "$3"
        shift 3
    done
    cp cow cow.before
}

# comes_back RULE OFFSET STATUS: in place and in a new store the snapshot is whole again; without the word nothing is written.
comes_back() {
    program snapcheck --json --origin origin cow
    assert_json "[.findings[] | select(.rule == \"$1\") | \"\(.index) \(.own_offset_bytes) \(.own_length_bytes)\"] | join(\" \")" \
        "300 $2 4096"
    program snapcheck -y --origin origin cow
    cmp cow cow.before
    program snapcheck --repair-to new --accept=view-change --origin origin cow
    assert_status "$3"
    program snapinspect --extract shown --origin origin new
    assert_status 0
    cmp shown view
    cmp cow cow.before
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    rm shown
    program snapinspect --extract shown --origin origin cow
    assert_status 0
    cmp shown view
    program snapcheck --origin origin cow
    assert_status 0
    assert_shown ": clean"
}

@test "a data chunk number that is damaged, but still on the device: its own chunk comes back" {
    damaged 300 910 1050
    program snapcheck --origin origin cow
    assert_status 0
    assert_shown "area 1 slot 44: data chunk 1050, and those around are in their places; no entry has data chunk 303, which belongs to this slot: bytes 1241088 to 1245183 of the COW; origin chunk 910"
    assert_said "snapcheck -n -y --accept=view-change --origin origin cow"
    comes_back entry-new-outlier 1241088 0
}

@test "one data chunk for two entries: the one that is out of its place is named, and gets its own back" {
    damaged 300 910 511
    program snapcheck --origin origin cow
    assert_status 4
    assert_shown "area 1 slot 44: data chunk 511 is already used by area 1 slot 252; no entry has data chunk 303"
    assert_not_said "Nothing tells which"
    comes_back duplicate-new 1241088 1
}

@test "a damaged data chunk number in a store where an entry was moved: its own chunk comes back, or the reason is said" {
    damaged 100 2929 978 300 910 100000000
    # Entry 973 was moved into slot 100, and had data chunk 978.
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    assert_not_said "what the origin has"
    assert_equal "$(number cow $(((1 + 257) * 4096 + 16 * 44 + 8)) 8)" 303
    damaged 299 2929 978 300 910 100000000
    program snapcheck -n -y --accept=view-change --origin origin cow
    assert_said "1 entry does not get the data chunk of its slot back: too many other entries, or those beside it, are out of their places"
    assert_said "what the origin has"
    damaged 299 907 303 300 910 100000000
    program snapcheck -n -y --accept=view-change --origin origin cow
    assert_said "1 entry does not get the data chunk of its slot back: another entry has that chunk"
}

@test "a slot that is overwritten with its neighbour: what is lost is named, and nothing is made up" {
    printf '%s\n' 'chunk_sectors 8' 'cow_chunks 1100' 'origin_sectors 32768' header 'entries 0 973 old=10+1*i' >recipe
    "$BUILDDIR/tests/images/mkstore" recipe cow origin view
    entry 300 309 302
    cp cow cow.before
    program snapcheck --origin origin cow
    assert_status 0
    assert_shown "area 1 slot 44: area 1 slot 43 once more instead of an entry that is lost, by its neighbours for origin chunk 310; no entry has data chunk 303, which belongs to this slot: bytes 1241088 to 1245183 of the COW"
    assert_shown "(warning: entry-lost)"
    program snapcheck -y --accept=view-change --origin origin cow
    cmp cow cow.before
    program snapmerge --dry-run --origin origin --cow cow
    assert_said "instead of an entry that is lost"
}

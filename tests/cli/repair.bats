#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcheck --repair, -p, -y and --put-back: what is mended, what is left alone, and that it can be taken back.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load system_calls
    in_folder
}

teardown() {
    loops_detach
}

recipe() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
    cp cow cow.before
    rm -f cow.old-bytes*
}

# all_accepted OPTION...: -y with both words.
all_accepted() {
    program snapcheck -y --accept=view-change,revalidate "$@" cow
}

# entry INDEX OLD NEW: overwrites one entry of a store with chunks of 4 KiB.
entry() {
    perl -e 'print pack("Q<2", @ARGV)' "$2" "$3" |
        dd of=cow bs=1 seek=$(((1 + 257 * ($1 / 256)) * 4096 + 16 * ($1 % 256))) conv=notrunc status=none
}

# What is mended by -p, and by -y with both words; the others are left as they are, to the byte.
harmless=(entry-repeated-often terminator-with-old valid-2)
mendable=("${harmless[@]}" cut garbage-behind-end invalid list-past-end new-beyond-cow new-on-later-area
    new-on-partial-chunk new-top-byte)

# is_one_of NAME LIST...
is_one_of() {
    local name=$1
    shift
    [[ " $* " == *" $name "* ]]
}

@test "each recipe: -p mends what is harmless, -y the rest; a second run finds nothing; the old bytes come back" {
    local file name count=0
    for file in "$SRCDIR"/tests/images/*.recipe; do
        name=$(basename "$file" .recipe)
        count=$((count + 1))
        recipe "$name" || continue
        program snapcheck -p cow
        if is_one_of "$name" "${harmless[@]}"; then
            assert_status 1
            ! cmp -s cow cow.before
        else
            assert_said "Nothing was written."
            cmp cow cow.before
        fi
        recipe "$name"
        all_accepted --origin origin
        if is_one_of "$name" "${mendable[@]}"; then
            assert_status 1
            ! cmp -s cow cow.before
            assert_shown "cow: mended, and checked again:"
            program snapcheck cow
            assert_status 0
            [[ $output == *": clean"* || $output == *": usable, with warnings"* ]]
            program snapcheck --put-back cow.old-bytes cow
            assert_status 0
            cmp cow cow.before
        else
            assert_said "Nothing was written."
            cmp cow cow.before
            [ ! -e cow.old-bytes ]
        fi
    done
    [ "$count" -ge 46 ]
}

@test "-p leaves the view as it is" {
    local name
    for name in "${harmless[@]}"; do
        recipe "$name"
        program snapcheck -p cow
        assert_status 1
        "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
        cmp shown view
        rm shown
    done
}

@test "a chunk that reads differently is named, and only with the word; all others read as before" {
    recipe areas-chunks
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract before cow
    entry 300 901 772
    entry 301 904 900
    program snapcheck -y cow
    assert_status 4
    assert_said "snapcheck -n -y --accept=view-change cow"
    assert_said "Nothing was written."
    program snapcheck -n -y --accept=view-change cow
    assert_status 4
    assert_said "1 finding of entry-new-metadata would be mended"
    assert_said "1 finding of entry-new-range would be mended"
    assert_said "bytes 3690496 to 3694591 of the snapshot show what the origin has afterwards (entry-new-metadata)"
    assert_said "To mend it: snapcheck -y --accept=view-change cow"
    assert_said "Or, to leave this store as it is: snapcheck --repair-to NEW --accept=view-change --origin ORIGIN cow"
    assert_said "Nothing was written."
    [ ! -e cow.old-bytes ]
    program snapcheck -y --accept=view-change cow
    assert_status 1
    dd if=origin of=before bs=4096 skip=901 seek=901 count=1 conv=notrunc status=none
    dd if=origin of=before bs=4096 skip=904 seek=904 count=1 conv=notrunc status=none
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract after cow
    cmp before after
    program snapmerge -y --origin origin --cow cow
    assert_status 0
    cmp before origin
}

@test "a cleared top byte gives its chunk back" {
    recipe new-top-byte
    all_accepted
    assert_status 1
    assert_said "of the snapshot show their own data afterwards (entry-new-top-byte)"
    program snapcheck cow
    assert_status 0
    assert_shown "cow: 4 entries"
}

@test "an invalid store becomes valid with its own word only" {
    recipe invalid
    program snapcheck -y --accept=view-change cow
    assert_status 4
    assert_said "snapcheck -y --accept=revalidate cow"
    cmp cow cow.before
    program snapcheck -y --accept=revalidate cow
    assert_status 1
    assert_equal "$(number cow 4 4)" 1
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
    cmp shown view
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

# headless CHUNK_SIZE [SECTOR_0]: a store of an ext4 file system whose header was zeroed, or overwritten with this text.
headless() {
    rm -f origin view cow*
    truncate -s 8M origin
    mke2fs -q -t ext4 -b 4096 -U 11111111-1111-1111-1111-111111111111 origin
    cp origin view
    contents piece 700000 piece
    dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
    tune2fs -L newer view >/dev/null
    program snapcreate --chunk-size "$1" --origin origin --cow cow --size max --from-diff view
    assert_status 0
    cp cow whole
    dd if=/dev/zero of=cow bs=512 count=1 conv=notrunc status=none
    printf '%s' "${2-}" | dd of=cow conv=notrunc status=none
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
    assert_status 1
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

# two_for_one: duplicate-old, with other contents in each data chunk.
two_for_one() {
    recipe duplicate-old
    contents data $((4 * 4096)) data
    dd if=data of=cow bs=4096 seek=2 conv=notrunc status=none
    cp cow cow.before
}

# shows_data_of FIRST|LAST: the view of duplicate-old once one of its two entries is kept.
shows_data_of() {
    local chunk=3
    [ "$1" = first ] || chunk=5
    cp origin expected
    local pair
    for pair in 10:2 17:$chunk 24:4; do
        dd if=cow.before of=expected bs=4096 skip="${pair#*:}" seek="${pair%:*}" count=1 conv=notrunc status=none
    done
    rm -f shown
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
    cmp shown expected
}

@test "two entries for one chunk: the one that is named stays; said is which kernel shows which" {
    local keep
    two_for_one
    program snapcheck cow
    assert_status 4
    assert_said "snapcheck -n -y --accept=view-change --keep=first cow"
    program snapcheck -y --accept=view-change cow
    assert_status 4
    assert_said "cow: bytes 69632 to 73727 of the snapshot have 2 entries: the first in area 0 slot 1 (data chunk 3), the last in area 0 slot 3 (data chunk 5)"
    assert_said "kernels since 5.2 show the first, kernels before 5.2 the last; a merge by any kernel leaves the first"
    assert_said "Nothing was written."
    program snapcheck -y --keep=first cow
    assert_status 4
    assert_said "Nothing was written."
    cmp cow cow.before
    for keep in first last; do
        two_for_one
        program snapcheck -n -y --accept=view-change --keep=$keep --origin origin cow
        assert_status 4
        assert_said "To mend it: snapcheck -y --accept=view-change --keep=$keep --origin origin cow"
        cmp cow cow.before
        program snapcheck --json -y --accept=view-change --keep=$keep cow
        assert_status 1
        assert_json '.result.repair.choices[0] | "\(.old) \(.entries) \(.first_index) \(.first_new) \(.last_index) \(.last_new) \(.in_row)"' \
            "0x11 2 1 0x3 3 0x5 false"
        assert_json '.result.repair.changes[0] | "\(.shows) \(.kept_index) \(.origin_offset_bytes)"' \
            "kept-entry $([ $keep = first ] && echo 1 || echo 3) 69632"
        program snapcheck cow
        assert_status 0
        assert_shown "cow: 3 entries in chunks of 4 KiB"
        shows_data_of $keep
        program snapcheck --put-back cow.old-bytes cow
        assert_status 0
        cmp cow cow.before
    done
}

@test "two entries for a chunk that the origin does not have: no bytes are named that no device has" {
    two_for_one
    entry 1 4611686018427387904 3
    entry 3 4611686018427387904 5
    program snapcheck -y --accept=view-change cow
    assert_status 4
    assert_said "cow: chunk 4611686018427387904, which no origin can have, has 2 entries: the first in area 0 slot 1 (data chunk 3), the last in area 0 slot 3 (data chunk 5)"
    assert_not_said "bytes"
    entry 1 1000000 3
    entry 3 1000000 5
    program snapcheck -y --accept=view-change cow
    assert_said "cow: bytes 4096000000 to 4096004095 of the snapshot have 2 entries"
    program snapcheck -n -y --accept=view-change --origin origin cow
    assert_said "cow: chunk 1000000, which the origin does not have, has 2 entries"
}

@test "two entries for one chunk: a terminal is asked for the one, then for the other" {
    two_for_one
    on_terminal $'n\nn' snapcheck --repair --accept=view-change cow
    [[ $output == *"cow: keep the first of each, and drop the others? [y/N]"* ]]
    [[ $output == *"cow: keep the last of each, and drop the others? [y/N]"* ]]
    cmp cow cow.before
    on_terminal $'y\ny' snapcheck --repair --accept=view-change cow
    shows_data_of first
    two_for_one
    on_terminal $'n\ny\ny' snapcheck --repair --accept=view-change cow
    shows_data_of last
}

@test "two entries for one chunk: a later one that continues a run is said" {
    recipe areas-chunks
    entry 10 31 12
    entry 11 32 700
    program snapcheck -y --accept=view-change cow
    assert_status 0
    entry 12 32 13
    program snapcheck -n -y --accept=view-change cow
    assert_status 4
    assert_said "the first in area 0 slot 11 (data chunk 700), the last in area 0 slot 12 (data chunk 13); one behind the first continues a run, so kernels since 5.2 may show that one"
    entry 12 32 14
    program snapcheck -n -y --accept=view-change cow
    assert_status 4
    assert_said "the last in area 0 slot 12 (data chunk 14)"
    assert_not_said "continues a run"
    # In front of a run it is found after the other one.
    entry 10 33 14
    entry 12 32 13
    program snapcheck -n -y --accept=view-change cow
    assert_status 4
    assert_said "the last in area 0 slot 12 (data chunk 13)"
    assert_not_said "continues a run"
}

@test "what is not mended in place: why, and the command that makes a new store, with each option" {
    local name options why
    for name in new-on-area-0 duplicate-new; do
        recipe $name
        why="Nothing tells which of two entries is the right one, so this is not mended in place."
        [ $name = duplicate-new ] || why="An entry has an area of the list as its data chunk"
        for options in "" -p -y "-n -y" "-n -y --accept=view-change" "-y --accept=view-change,revalidate"; do
            # shellcheck disable=SC2086
            program snapcheck $options --origin origin cow
            assert_status 4
            assert_said "$why"
            assert_said "snapcheck --repair-to NEW --accept=view-change --origin origin cow"
            assert_not_said "To see what can be mended"
            cmp cow cow.before
        done
        program snapcheck --repair-to "new.$name" --accept=view-change --origin origin cow
        assert_status 1
        program snapcheck "new.$name"
        assert_status 0
        program snapcheck --list-rules
        assert_shown "snapcheck --repair-to NEW --accept=view-change --origin makes a new store"
    done
}

@test "an invalid store with other damage stays invalid, and the command that goes on is said" {
    recipe new-top-byte
    printf '\0' | dd of=cow bs=1 seek=4 conv=notrunc status=none
    cp cow cow.before
    program snapcheck -y --accept=revalidate --origin origin cow
    assert_status 4
    assert_said "The store stays invalid: other damage in it has to be mended first."
    assert_said "snapcheck -n -y --accept=view-change,revalidate --origin origin cow"
    cmp cow cow.before
    program snapcheck -y --accept=view-change,revalidate --origin origin cow
    assert_status 1
    recipe duplicate-new
    printf '\0' | dd of=cow bs=1 seek=4 conv=notrunc status=none
    program snapcheck -y --accept=revalidate --origin origin cow
    assert_said "The store stays invalid: other damage in it has to be mended first."
    assert_said "snapcheck --repair-to NEW --accept=view-change,revalidate --origin origin cow"
    assert_not_said "To make the store valid again"
}

@test "before damaged chunks are left out, the command that may bring them back is named" {
    local line="snapcheck -n -y --accept=view-change --origin origin cow"
    recipe new-top-byte
    program snapinspect --origin origin --extract out --skip-damaged=origin cow
    assert_said "$line"
    program snapcheck --origin origin --repair-to to cow
    assert_said "snapcheck -n --repair-to to --accept=view-change --origin origin cow"
    program snapinspect --origin origin cow
    assert_said "$line"
    [[ $stderr == *"$line"*"--skip-damaged"* ]]
    program snapmerge -y --origin origin --cow cow
    [[ $stderr == *"$line"*"--skip-damaged"* ]]
    recipe areas-chunks
    entry 5 "$(od -An -tu8 -j$((4096 + 16 * 5)) -N8 cow | tr -d ' ')" $((1 << 40))
    program snapinspect --origin origin --extract out2 --skip-damaged=origin cow
    assert_said "$line"
    program snapmerge -y --origin origin --cow cow
    assert_status 4
    [[ $stderr == *"$line"*"--skip-damaged"* ]]
    recipe areas-chunks
    entry 100 301 0
    program snapinspect --origin origin --extract out4 --skip-damaged=origin --accept=cut cow
    assert_said "$line"
    recipe new-on-later-area
    program snapinspect --origin origin --extract out3 --skip-damaged=origin cow
    assert_not_said "$line"
}

@test "nobody can be asked: nothing is written; a terminal is asked" {
    recipe valid-2
    program snapcheck --repair cow
    assert_status 8
    assert_said "nobody can be asked"
    assert_said "Nothing was written."
    cmp cow cow.before
    on_terminal n snapcheck --repair cow
    [[ $output == *"Mend cow? [y/N]"* ]]
    cmp cow cow.before
    on_terminal y snapcheck --repair cow
    ! cmp -s cow cow.before
}

@test "a plain run asks a person who sits there, and nobody else" {
    recipe valid-2
    on_terminal n snapcheck cow
    [[ $output == *"1 finding of valid-value will be mended"*"Mend cow? [y/N]"* ]]
    [ "$status" -eq 0 ]
    cmp cow cow.before
    for option in -n -q --json; do
        on_terminal y snapcheck "$option" cow
        [[ $output != *"Mend cow?"* ]]
        cmp cow cow.before
    done
    redirection='| cat' on_terminal y snapcheck cow
    [[ $output != *"Mend cow?"* ]]
    program snapcheck cow
    assert_status 0
    assert_not_said "Mend cow?"
    cmp cow cow.before
    [ ! -e cow.old-bytes ]
    on_terminal y snapcheck cow
    [[ $output == *"Mend cow? [y/N]"*"To take that back: snapcheck --put-back"*"mended, and checked again"* ]]
    [ "$status" -eq 1 ]
    on_terminal y snapcheck cow
    [[ $output != *"Mend cow?"* ]]
    [ "$status" -eq 0 ]
}

@test "a plain run on a terminal changes no refusal and no finding" {
    recipe new-top-byte
    on_terminal n snapcheck cow
    [[ $output != *"Mend cow?"* ]] # the view would change: that needs its word
    [ "$status" -eq 4 ]
    cmp cow cow.before
    # In use, and then a device without a place for the old bytes.
    need_loops
    export DMSNAP_STATE_FOLDER=$PWD/none
    recipe valid-2
    loop_over cow
    for store in cow "${loops[0]}"; do
        on_terminal y snapcheck "$store"
        [[ $output == *"valid-value"* && $output != *"Mend "* ]]
        [ "$status" -eq 0 ]
        cmp cow cow.before
    done
    on_terminal y snapcheck --no-save-old "$loop"
    [[ $output == *"--no-save-old needs"* ]]
}

@test "the old bytes: durable before the first write, for their owner alone, under a name of their own" {
    recipe new-top-byte
    traced -e trace=fsync,fdatasync,linkat,pwrite64,pwritev,pwritev2,write,io_uring_enter -- \
        snapcheck -y --accept=view-change cow
    assert_status 1
    traced_calls >calls
    perl -ne '
        $named = $. if /^linkat\(/;
        $folder = $. if $named && !$folder && /^f(data)?sync\(\d+<[^>]*>\)/ && $. > $named;
        $first = $. if !$first && /^(pwrite|pwritev|io_uring_enter)\w*\(\d+<[^>]*\/cow>/;
        END { exit !($named && $folder && (!$first || $first > $folder)) }' calls
    assert_equal "$(stat -c %a cow.old-bytes)" 600
    cp cow.before cow
    all_accepted
    assert_status 1
    assert_said "cow.old-bytes.1: holds what is overwritten on cow"
    assert_said "snapcheck --put-back cow.old-bytes.1 cow"
    program snapcheck --put-back cow.old-bytes.1 cow
    cmp cow cow.before
    all_accepted --save-old cow.old-bytes
    assert_status 8
    assert_said "cow.old-bytes: it exists already"
    cmp cow cow.before
    all_accepted --save-old elsewhere
    assert_status 1
    [ -s elsewhere ]
}

@test "the lines to paste keep the origin that was given" {
    recipe new-top-byte
    program snapcheck -y --origin origin cow
    assert_said "snapcheck -n -y --accept=view-change --origin origin cow"
    program snapcheck -y --accept=view-change --origin origin cow
    assert_status 1
    recipe areas-chunks
    dd if=/dev/zero of=cow bs=4096 count=1 conv=notrunc status=none
    program snapcheck --origin origin cow
    assert_said "write the header anew: snapcheck -y --accept=header --origin origin cow"
    program snapcheck -n -y --origin origin cow
    assert_said "snapcheck -y --accept=header --origin origin cow"
    assert_equal "$(grep -o 'snapcheck -y --accept=header' <<<"$stderr$output" | wc -l)" 1
    program snapcheck -n -y --accept=header --origin origin cow
    assert_said "Its record is lost; if this is its origin, this makes a new one: snapcreate --identify --origin origin --cow cow"
    assert_equal "$(grep -o 'snapcheck -y --accept=header' <<<"$stderr$output" | wc -l)" 1
    program snapcheck -n -y --accept=header cow
    assert_said "snapcreate --identify --origin ORIGIN --cow cow"
    recipe invalid
    program snapcheck -y --origin origin cow
    assert_said "snapcheck -y --accept=revalidate --origin origin cow"
    program snapmerge --origin origin --cow cow -n
    assert_said "how to get that out: snapinspect --origin origin cow"
}

@test "a block device: a place for the old bytes is asked for" {
    need_loops
    export DMSNAP_STATE_FOLDER=$PWD/none
    recipe new-top-byte
    loop_over cow
    cow_device=${loops[0]}
    program snapcheck -y --accept=view-change "$cow_device"
    assert_status 8
    assert_said "--save-old FILE"
    assert_said "Nothing was written."
    program snapcheck -n -y --accept=view-change --origin origin "$cow_device"
    assert_status 4
    assert_said "To mend it: snapcheck -y --accept=view-change --save-old FILE --origin origin $cow_device"
    assert_not_said "is not yours alone"
    program snapcheck -n -y --accept=view-change --no-save-old "$cow_device"
    assert_said "To mend it: snapcheck -y --accept=view-change --no-save-old $cow_device"
    program snapcheck -y --accept=view-change --save-old old "$cow_device"
    assert_status 1
    program snapcheck --put-back old "$cow_device"
    assert_status 0
    cmp "$cow_device" cow.before
    program snapcheck -y --accept=view-change --no-save-old "$cow_device"
    assert_status 1
    assert_equal "$(ls)" "$(printf '%s\n' cow cow.before old origin view)"
}

# The folder for state: `state`, which is ours.
@test "a block device: the old bytes go to the folder for state, if that one lasts and is ours" {
    need_loops
    recipe new-top-byte
    mkdir -m 700 state
    export DMSNAP_STATE_FOLDER=$PWD/state
    [ "$(stat -f -c %T state)" != tmpfs ] || skip "this folder is in memory"
    loop_over cow
    cow_device=${loops[0]}
    local old=state/${cow_device#/dev/}.old-bytes
    program snapcheck -y --accept=view-change "$cow_device"
    assert_status 1
    assert_said "$PWD/$old: holds what is overwritten on $cow_device"
    assert_said "snapcheck --put-back $PWD/$old $cow_device"
    program snapcheck --put-back "$PWD/$old" "$cow_device"
    assert_status 0
    cmp "$cow_device" cow.before
    program snapcheck -y --accept=view-change "$cow_device"
    assert_status 1
    assert_said "$old.1: holds what is overwritten"
    program snapcheck --put-back "$old.1" "$cow_device"
    cmp "$cow_device" cow.before
    chmod 770 state
    program snapcheck -y --accept=view-change "$cow_device"
    assert_status 8
    assert_said "$PWD/state is not there, is not yours alone, or would not last"
    DMSNAP_STATE_FOLDER=/dev/shm/dmsnap.$$
    mkdir -m 700 "$DMSNAP_STATE_FOLDER"
    program snapcheck -y --accept=view-change "$cow_device"
    rmdir "$DMSNAP_STATE_FOLDER"
    assert_status 8
    assert_said "--save-old FILE"
    cmp "$cow_device" cow.before
}

@test "killed at each write and flush: nothing sound is lost, a repeated command ends it, and it can be taken back" {
    need_strace
    recipe areas-chunks
    local index n saved=0
    for index in 0 255 256 399 599; do entry "$index" $((1 + 3 * index)) 99999; done
    cp cow cow.before
    program snapcheck -y --accept=view-change --no-save-old cow
    assert_status 1
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract expected cow
    for ((n = 1; n < 200; n++)); do
        cp cow.before cow
        rm -f old
        traced -e "inject=io_uring_enter,preadv,pread64,pwritev,pwrite64,fdatasync:signal=KILL:when=$n" -- \
            snapcheck -y --accept=view-change --save-old "$dir/old" "$dir/cow"
        [ "$status" -eq 137 ] || break
        if [ ! -e old ]; then
            cmp cow cow.before
            continue
        fi
        saved=$((saved + 1))
        cp cow cow.killed
        program snapcheck --put-back old cow
        assert_status 0
        cmp cow cow.before
        cp cow.killed cow
        program snapcheck -y --accept=view-change --no-save-old cow
        [ "$status" -le 1 ]
        program snapcheck cow
        assert_status 0
        assert_shown "free chunks: clean"
        rm -f shown
        "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
        cmp shown expected
    done
    echo "# killed $n times, $saved times with old bytes"
    [ "$saved" -ge 8 ]
}

@test "the old bytes and their name are durable before the first write, and the store at the end" {
    need_strace
    recipe new-top-byte
    traced -e trace=fsync,fdatasync,syncfs,linkat,renameat,renameat2,write,pwrite64,pwritev,pwritev2 -- \
        snapcheck -y --accept=view-change cow
    assert_status 1
    # Of the file with the old bytes: writes (w), flush (f), name (n) and folder (d); then flushes of the store
    # (S): with io_uring its writes are no calls.
    calls=$(traced_calls | perl -ne '
        print m{^fsync\(\d+<[^>]*/cow>|^fdatasync\(\d+<[^>]*/cow>} ? "S" : m{^write\(\d+<[^>]*/#\d+} ? "w"
            : m{^fsync\(\d+<[^>]*/#\d+} ? "f" : m{^(linkat|rename)} ? "n" : m{^(fsync|syncfs)\(} ? "d" : "";')
    echo "# $calls"
    [[ $calls =~ ^w+fndS+$ ]]
}

@test "--put-back: foreign, damaged and outdated files, and pipes, are refused; nothing is written" {
    recipe new-top-byte
    all_accepted
    assert_status 1
    cp cow cow.mended
    cp cow.old-bytes damaged
    printf x | dd of=damaged bs=1 seek=700 conv=notrunc status=none
    program snapcheck --put-back damaged cow
    assert_status 8
    assert_said "damaged: it is damaged, or was cut off"
    program snapcheck --put-back view cow
    assert_status 8
    assert_said "view: it is no file of old bytes"
    mkfifo pipe
    program snapcheck --put-back pipe cow
    assert_status 8
    cmp cow cow.mended
    entry 4 50 6
    cp cow cow.used
    program snapcheck --put-back cow.old-bytes cow
    assert_status 8
    assert_said "was changed since its old bytes were saved in cow.old-bytes"
    assert_said "Nothing was written."
    cmp cow cow.used
    recipe areas-chunks
    cp cow other
    recipe new-top-byte
    all_accepted
    program snapcheck --put-back cow.old-bytes other
    assert_status 8
    assert_said "other"
    program snapcheck -n --put-back cow.old-bytes cow
    assert_status 0
    assert_said "would be what they were before the repair"
    cmp cow cow.mended
}

@test "with -q, too, it is said which chunks read differently, and how to take that back" {
    recipe list-past-end
    truncate -s -12288 cow
    cp cow cow.before
    program snapcheck -q -y --accept=view-change --origin origin cow
    assert_status 1
    assert_said "of the snapshot show what the origin has afterwards (entry-new-range)"
    assert_said "the list will end after "
    assert_said "To take that back: snapcheck --put-back cow.old-bytes cow"
    recipe entry-repeated-often
    program snapcheck -q -y cow
    assert_not_said "afterwards"
}

@test "JSON: what is mended, what waits, which bytes change" {
    recipe new-beyond-cow
    program snapcheck --json -y --accept=view-change cow
    assert_status 1
    assert_json .exit_status 1
    assert_json '.result.repair | "\(.written) \(.old_bytes)"' "true cow.old-bytes"
    assert_json '.result.repair.mended."entry-new-range"' 1
    assert_json '.result.repair.changes[0] | "\(.rule) \(.shows) \(.length_bytes)"' "entry-new-range origin 4096"
    assert_json '.result | "\(.verdict) \(.findings_total)"' "clean 0"
    assert_json '.findings[0].rule' "entry-new-range"
    program snapcheck --json --put-back cow.old-bytes cow
    assert_status 0
    assert_json '.result.written' true
    cmp cow cow.before
    program snapcheck --json -y cow
    assert_status 8
    assert_json '.result.repair.waiting."entry-new-range"' 1
    assert_json '.result.repair.written' false
}

@test "entries that name no chunk of the origin have one line in the plan, and no offsets in JSON" {
    recipe areas-chunks
    local i
    for i in 4 5 6 40; do
        entry "$i" 18446744073709551615 18446744073709551615
    done
    entry 7 6 18446744073709551615
    program snapcheck -n -y --accept=view-change cow
    assert_said "cow: 4 entries that name no chunk of the origin are dropped; the chunks they stood for are not known"
    assert_said "bytes 24576 to 28671 of the snapshot show what the origin has afterwards (entry-new-top-byte)"
    assert_not_said "18446744073709551615"
    program snapcheck -n --json -y --accept=view-change cow
    assert_json '.result.repair.changes | length' 2
    assert_json '.result.repair.changes[1] | "\(.entries) \(.shows) \(has("origin_offset_bytes") or has("length_bytes"))"' \
        "4 origin false"
    program snapcheck -y --accept=view-change cow
    assert_status 1
    assert_equal "$(tail -n 1 <<<"$output")" "cow: 5 chunks of the snapshot now show what the origin has"
    program snapcheck -q --put-back cow.old-bytes cow
    entry 7 6 18446744073709551615
    program snapcheck -q -y --accept=view-change cow
    [[ $output != *"now show"* ]]
    assert_said "cow: 4 entries that name no chunk"
}

@test "options that do not go together" {
    recipe valid-2
    local line
    while read -r line; do
        # shellcheck disable=SC2086
        program snapcheck $line
        assert_status 16
    done <<'LINES'
-p -y cow
-p --accept=view-change cow
--accept=view-change cow
--save-old x cow
--put-back x -y cow
--put-back x --origin origin cow
-y --save-old x --no-save-old cow
--keep=first cow
-p --keep=first cow
-y --keep=second cow
--put-back x --keep=last cow
LINES
    cmp cow cow.before
}

@test "a volume of LVM: mended by name, put back, copied elsewhere" {
    load volumes
    recipe areas-chunks
    # As large as extents want it.
    truncate -s $((904 * 4096)) cow
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract expected cow
    entry 300 901 99999 # all others are in their place: it gets its own data back
    volumes_make origin cow
    cp pv0 pv0.before
    cp pv1 pv1.before
    program snapcheck -n -y --accept=view-change --save-old old --devices pv0,pv1 lvm:vg/snap
    assert_status 4
    assert_said "1 finding of entry-new-range would be mended"
    DMSNAP_STATE_FOLDER=$PWD/none program snapcheck -y --accept=view-change --devices pv0,pv1 lvm:vg/snap
    assert_status 8
    assert_said "--save-old FILE"
    cmp pv0 pv0.before
    mkdir -m 700 state
    if [ "$(stat -f -c %T state)" != tmpfs ]; then
        DMSNAP_STATE_FOLDER=$PWD/state program snapcheck -y --accept=view-change --devices pv0,pv1 lvm:vg/snap
        assert_status 1
        program snapcheck --put-back state/vg-snap.old-bytes --devices pv0,pv1 lvm:vg/snap
        assert_status 0
        cmp pv0 pv0.before
        cmp pv1 pv1.before
    fi
    cmp pv1 pv1.before
    program snapcheck -y --accept=view-change --save-old old --devices pv0,pv1 lvm:vg/snap
    assert_status 1
    assert_said "To take that back: snapcheck --put-back old --devices pv0,pv1 lvm:vg/snap"
    "$BUILDDIR/tools/snapinspect" -q --devices pv0,pv1 --extract shown lvm:vg/snap
    cmp shown expected
    program snapcheck --repair-to new --devices pv0,pv1 --origin lvm:vg/origin lvm:vg/snap
    assert_status 0
    rm shown
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown new
    cmp shown expected
    program snapcheck --put-back old --devices pv0,pv1 lvm:vg/snap
    assert_status 0
    cmp pv0 pv0.before
    cmp pv1 pv1.before
}

@test "a store in use is not mended" {
    need_loops
    recipe valid-2
    loop_over cow
    program snapcheck -p cow
    assert_status 8
    cmp cow cow.before
}

# new_store STATUS OPTION...: the old one is as it was, and the new one shows what the old one shows, or $expected.
new_store() {
    local want=$1
    shift
    rm -f to shown
    program snapcheck --origin origin --repair-to to "$@" cow
    assert_status "$want"
    cmp cow cow.before
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown to
    cmp shown "${expected-view}"
    program snapcheck --origin origin to
    assert_status 0
    [[ $output == *": clean"* || $output == *": usable, with warnings"* ]]
}

@test "--repair-to: the same view, compact, with another chunk size, of the least size" {
    recipe unordered
    new_store 0
    recipe areas-chunks
    new_store 0
    assert_equal "$(stat -c %s to)" "$(stat -c %s cow)"
    local chunk
    for chunk in 512 1K 64K; do
        new_store 0 --chunk-size $chunk
        assert_equal "$(number to 12 4)" $(($(numfmt --from=iec $chunk) / 512))
    done
    expected=view
    rm -f to
    program snapcheck --origin origin --repair-to to --size fit cow
    assert_status 0
    [ "$(stat -c %s to)" -lt "$(stat -c %s cow)" ]
    program snapmerge -y --origin origin --cow to
    assert_status 0
    cmp origin view
}

@test "--repair-to --drop-equal leaves out what the origin holds" {
    recipe areas-chunks
    dd if=view of=origin bs=4096 skip=1 seek=1 count=300 conv=notrunc status=none
    new_store 0 --drop-equal
    program snapcheck to
    assert_shown "to: 500 entries"
}

# fingerprinted: an origin, and a store with entries for its first 16 blocks, whose samples are masked.
fingerprinted() {
    contents origin 8388608 origin
    cp origin view
    contents piece 65536 piece
    dd if=piece of=view bs=4096 conv=notrunc status=none
    rm -f cow
    program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
    assert_status 0
}

@test "--repair-to --drop-equal: samples of chunks that are left out do not say that a merge has written there" {
    fingerprinted
    dd if=origin of=cow bs=4096 count=8 seek=2 conv=notrunc status=none
    dd if=origin of=view bs=4096 count=8 conv=notrunc status=none
    cp cow cow.before
    new_store 0 --drop-equal
    program snapcheck to
    assert_shown "to: 8 entries"
    program snapmerge -y --origin origin --cow to
    assert_status 0
    cmp origin view
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

@test "--repair-to: what is damaged is left out with the word only, and counted" {
    recipe new-beyond-cow
    program snapcheck --origin origin --repair-to to cow
    assert_status 8
    assert_said "1 chunk of the snapshot is damaged"
    assert_said "add --accept=view-change"
    [ ! -e to ]
    "$BUILDDIR/tools/snapinspect" -q --origin origin --skip-damaged=origin --extract skipped cow || true
    expected=skipped
    new_store 1 --accept=view-change
    recipe garbage-behind-end
    program snapcheck --origin origin --repair-to to2 cow
    assert_status 8
    assert_said "what stands behind the end of its list would not be copied"
    assert_said "snapcheck -n -y --origin origin cow"
    recipe invalid
    program snapcheck --origin origin --repair-to to2 cow
    assert_status 8
    assert_said "add --accept=revalidate"
    expected=view
    new_store 1 --accept=revalidate
}

@test "--repair-to: what a repair in place brings back is in the new store, and the old one is only read" {
    local name
    for name in "${mendable[@]}" own-chunk; do
        recipe "${name/own-chunk/areas-chunks}"
        if [ "$name" = own-chunk ]; then
            entry 5 "$(number cow $((4096 + 16 * 5)) 8)" $((1 << 40))
            entry 400 "$(number cow $((258 * 4096 + 16 * 144)) 8)" $((1 << 41))
        fi
        cp cow in-place
        cp cow cow.before
        for _ in 1 2; do
            program snapcheck -y --no-save-old --accept=view-change,revalidate --origin origin in-place
        done
        assert_status 0
        rm -f expected-view
        "$BUILDDIR/tools/snapinspect" -q --origin origin --extract expected-view in-place
        expected=expected-view
        new_store "$([ "$name" = valid-2 ] && echo 0 || echo 1)" --accept=view-change,revalidate
    done
    cmp shown view # that was own-chunk
    program snapcheck -n --origin origin --repair-to to2 --accept=view-change cow
    assert_said "2 findings of entry-new-range are mended in the new store"
    assert_said "of the snapshot show their own data afterwards (entry-new-range)"
}

@test "--repair-to: a list that lost its header, with a damaged entry, is copied; the old store is only read" {
    local header
    for header in '' noise; do
        headless 4K $header
        perl -e 'print pack("Q<", 0xffff000000)' | dd of=cow bs=1 seek=$((4096 + 4 * 16 + 8)) conv=notrunc status=none
        cp cow cow.before
        rm -f to
        program snapcheck --origin origin --repair-to to cow
        assert_status 4
        assert_said "to copy the list that stands behind it, add --accept=header"
        program snapcheck --origin origin --repair-to to --accept=header cow
        assert_status 8
        assert_said "snapcheck -n --repair-to to --accept=view-change,header --origin origin cow"
        assert_said "add --accept=view-change"
        cmp cow cow.before
        [ ! -e to ]
        expected=view
        new_store 1 --accept=header,view-change --chunk-size 16K
        assert_equal "$(number to 12 4)" 32
        cmp cow cow.before
    done
    truncate -s 0 cow
    truncate -s 1M cow
    program snapcheck --origin origin --repair-to to2 --accept=header cow
    assert_status 4
    [ ! -e to2 ]
}

@test "--repair-to: JSON says what was mended; a dry run shows it and writes nothing" {
    recipe cut
    program snapcheck -n --origin origin --repair-to to --accept=view-change cow
    assert_status 0
    assert_said "344 entries come back into the list"
    assert_said "Nothing was written."
    [ ! -e to ]
    program snapcheck --json --origin origin --repair-to to --accept=view-change cow
    assert_status 1
    assert_json '.result.repair_to.mended["list-cut"]' 1
    assert_json .result.repair_to.written true
    cmp cow cow.before
}

@test "--repair-to: a damaged list, a wrong origin, a name that is taken, a place without room are refused" {
    recipe list-past-end
    program snapcheck --origin origin --repair-to to cow
    assert_status 4
    assert_said "to copy what it names in front of that, add --accept=view-change"
    [ ! -e to ]
    recipe magic-0
    program snapcheck --origin origin --repair-to to --accept=view-change cow
    assert_status 4
    [ ! -e to ]
    recipe old-beyond-origin
    program snapcheck --origin origin --repair-to to --accept=view-change cow
    assert_status 8
    [ ! -e to ]
    recipe areas-chunks
    program snapcheck --origin origin --repair-to to --size 64K cow
    assert_status 8
    assert_said "600 entries, which take "
    [ ! -e to ]
    echo mine >to
    program snapcheck --origin origin --repair-to to cow
    assert_status 8
    assert_said "to: it exists already"
    assert_equal "$(cat to)" mine
    program snapcheck --origin origin --repair-to cow cow
    assert_status 8
    cmp cow cow.before
    rm to
    program snapcheck -n --origin origin --repair-to to cow
    assert_status 0
    assert_said "Nothing was written."
    [ ! -e to ]
}

@test "--repair-to a block device: a blank one, with larger blocks" {
    need_loops
    recipe areas-sectors
    truncate -s 16M disk
    loop_over disk --sector-size 4096
    program snapcheck --origin origin --repair-to "$loop" --chunk-size 4K cow
    assert_status 0
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown "$loop"
    cmp shown view
    program snapcheck --origin origin --repair-to "$loop" --chunk-size 4K cow
    assert_status 8
    assert_said "it holds a snapshot store"
}

@test "--repair-to: the new store keeps what the old one remembers" {
    contents origin 8388608 origin
    cp origin view
    contents piece 500000 piece
    dd if=piece of=view bs=4096 seek=300 conv=notrunc status=none
    program snapcreate --label tuesday --origin origin --cow cow --size max --from-diff view
    cp cow cow.before
    new_store 0 --chunk-size 8K
    program snapinspect --json --origin origin to
    assert_json .result.pair.outcome proven
    assert_json .result.identity.label tuesday
}

@test "--repair-to: a file system without room for the new store is refused before it is made" {
    recipe areas-chunks
    mkdir small
    mount -t tmpfs -o size=256K none small 2>/dev/null || skip "cannot be mounted here: tmpfs"
    program snapcheck --origin origin --repair-to small/to cow
    local left
    left=$(ls -A small)
    umount small
    assert_status 8
    assert_said "bytes of its file system, and only"
    assert_said "Nothing was written."
    assert_equal "$left" ""
}

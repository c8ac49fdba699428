#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcheck --repair, -p and -y: which entries are mended, what is left alone, who is asked, what is said.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load repairs
    in_folder
}

teardown() {
    loops_detach
}

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
    assert_status 1
    assert_shown "area 0 slot 1: origin chunk 0x4000000000000000, but no device has more than 0x7ffffffffffff chunks (corrupting: entry-old-range)"
    assert_said "2 entries that name no chunk of the origin are dropped"
    program snapcheck cow
    assert_status 0
    two_for_one
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
    entry 11 32 604
    program snapcheck -y --accept=view-change cow
    assert_status 0
    entry 12 32 13
    program snapcheck -n -y --accept=view-change cow
    assert_status 4
    assert_said "the first in area 0 slot 11 (data chunk 604), the last in area 0 slot 12 (data chunk 13); one behind the first continues a run, so kernels since 5.2 may show that one"
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

@test "a drop that would move an entry of which nothing tells its data is held back, however often it is asked for" {
    local i options
    contents origin $((600 * 4096)) origin
    cp origin view
    for ((i = 0; i < 60; i++)); do
        contents piece 4096 "piece $i"
        dd if=piece of=view bs=4096 seek=$((5 + 3 * i)) conv=notrunc status=none
    done
    program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
    assert_status 0
    entry 40 8608480567731124087 $((1 << 40))
    entry 59 124 12
    cp cow cow.before
    for options in "-n -y --accept=view-change" "-y --accept=view-change" "-y --accept=view-change"; do
        # shellcheck disable=SC2086
        program snapcheck $options --origin origin cow
        assert_status 4
        assert_said "not mended in place: that would move the last entries, and for one of them nothing tells which data chunk is its own."
        assert_said "snapcheck --repair-to NEW --accept=view-change --origin origin cow"
        assert_not_said "To mend "
        cmp cow cow.before
    done
    program snapcheck --repair-to new --accept=view-change --origin origin cow
    assert_status 1
    program snapcheck new
    assert_status 0
}

@test "one flipped bit behind the list gives no data to chunk 0 of the origin" {
    local count
    contents origin $((600 * 4096)) origin
    for count in 0 20; do
        cp origin view
        [ $count = 0 ] || dd if=/dev/zero of=view bs=4096 seek=100 count=$count conv=notrunc status=none
        program snapcreate --chunk-size 4K --origin origin --cow cow --size max --from-diff view
        assert_status 0
        entry $count 0 $((1 << 30))
        program snapcheck -y --accept=view-change --origin origin cow
        assert_status 1
        program snapcheck cow
        assert_status 0
        cp origin merged
        program snapmerge --yes --origin merged --cow cow
        assert_status 0
        cmp merged view
        rm cow*
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

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# One store, two workers: a merge that the kernel began and we finish, and one that we began and the kernel finishes.

load lib.bash

setup()
{
    cd "$BATS_TEST_TMPDIR"
    T=$BATS_TEST_TMPDIR
    uml_begin
}

# make_pair CHUNK_SECTORS COUNT BLOCK: 4 MiB of origin with a store of the kernel, and `view`.
make_pair()
{
    new_image origin.0 4M 1
    new_image cow.0 8M
    uml_begin
    slices_open "$T/origin.0" "$T/cow.0"
    uml_job create name=snap "$(snapshot_table snapshot "$1")"
    uml_job write-random dev=/dev/mapper/snap "count=$2" "block=$3" seed=2
    # Neighbours, too: the kernel merges them as one run.
    uml_job write dev=/dev/mapper/snap offset=3M length=64K seed=3
    uml_job copy from=/dev/mapper/snap "to=$T/view"
    uml_job remove name=snap
    slices_close "$T/origin.0" "$T/cow.0"
    uml_go_slices
    all=$(count_entries cow.0 "$1")
    uml_begin
}

our_merge()
{
    tool snapmerge --origin "$1" --cow "$2" >said 2>&1 || { cat said && return 1; }
}

@test "the kernel stops in the middle of a merge, we finish it" {
    local chunk_sectors keep n left middle=0
    for chunk_sectors in 1 8; do
        make_pair $chunk_sectors 400 512
        n=0
        for keep in 90 60 40 20 10 0; do
            n=$((n + 1))
            cp origin.0 origin.$n
            cp cow.0 cow.$n
            slices_open "$T/origin.$n" "$T/cow.$n"
            uml_job create name=merge "$(snapshot_table snapshot-merge $chunk_sectors)"
            uml_job wait-merge name=merge keep=$((keep * all / 100 * chunk_sectors))
            slices_close "$T/origin.$n" "$T/cow.$n"
        done
        uml_go_slices
        for n in 1 2 3 4 5 6; do
            left=$(count_entries cow.$n $chunk_sectors)
            [ "$left" -eq 0 ] || [ "$left" -eq "$all" ] || middle=$((middle + 1))
            our_merge origin.$n cow.$n
            cmp origin.$n view
            assert_equal "$(count_entries cow.$n $chunk_sectors)" 0
        done
    done
    # Else this test has not tried what its name says.
    [ $middle -ge 6 ]
}

@test "the kernel stops in the middle, the snapshot is written to again, we finish it" {
    local left
    make_pair 1 400 512
    slices_open "$T/origin.0" "$T/cow.0"
    uml_job create name=merge "$(snapshot_table snapshot-merge 1)"
    uml_job wait-merge name=merge keep=$((all / 2))
    uml_job create name=snap "$(snapshot_table snapshot 1)"
    uml_job write-random dev=/dev/mapper/snap seed=5 count=300 block=512
    uml_job copy from=/dev/mapper/snap "to=$T/view2"
    uml_job remove name=snap
    slices_close "$T/origin.0" "$T/cow.0"
    uml_go_slices
    our_merge origin.0 cow.0
    cmp origin.0 view2
    run -1 cmp -s view view2
}

@test "the power fails in the middle of the kernel's merge, we finish it" {
    make_pair 8 300 512
    mv origin.0 origin
    mv cow.0 cow
    uml_job create name=merge 'table=0 * snapshot-merge /dev/origin /dev/cow P 8'
    uml_job exec -- /bin/dd if=/dev/mapper/merge of=/dev/null bs=64K count=1
    uml_job halt
    uml_boot "origin=$T/origin" "cow=$T/cow"
    our_merge origin cow
    cmp origin view
}

@test "our merge is killed anywhere, the kernel shows the same view and finishes it" {
    local n=0 delay left middle=0
    make_pair 8 800 4096
    local merge=(/usr/bin/env ${WRAPPER-} "$BUILDDIR/tools/snapmerge" --quiet --rate-limit 2M
        --checkpoint-interval 1 --memory 16M)
    for delay in 50 400 800 1200 1600 2000 2400 3000; do
        n=$((n + 1))
        cp origin.0 origin.$n
        cp cow.0 cow.$n
        slices_open "$T/origin.$n" "$T/cow.$n"
        uml_job exec kill-after=$delay "output=$T/said.$n" -- "${merge[@]}" --origin /dev/mapper/origin \
            --cow /dev/mapper/cow
        uml_job copy from=/dev/mapper/origin "to=$T/origin.$n"
        uml_job copy from=/dev/mapper/cow "to=$T/cow.$n"
        uml_job create name=snap "$(snapshot_table snapshot 8)"
        uml_job cmp dev=/dev/mapper/snap "with=$T/view"
        uml_job remove name=snap
        uml_job create name=merge "$(snapshot_table snapshot-merge 8)"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        uml_job cmp dev=/dev/mapper/origin "with=$T/view"
        uml_job remove name=cow
        uml_job remove name=origin
    done
    uml_go_slices
    for n in 1 2 3 4 5 6 7 8; do
        # Slow machines kill early, fast ones may be through before the last of these moments.
        [[ $(uml_result $(((n - 1) * 16 + 5))) == @('ok signal 9'|'ok exit 0') ]]
        left=$(count_entries cow.$n 8)
        # A list that was shortened, or an origin that was written to: in between in either sense.
        if [ "$left" -gt 0 ] && ! cmp -s origin.$n origin.0; then
            middle=$((middle + 1))
        fi
        # What the kernel has shown it could do, we can do as well: repeating the command resumes.
        our_merge origin.$n cow.$n
        cmp origin.$n view
    done
    [ $middle -ge 2 ]
}

@test "we stop, the kernel writes to the snapshot, we go on, the kernel finishes" {
    make_pair 1 900 512
    local merge=(/usr/bin/env ${WRAPPER-} "$BUILDDIR/tools/snapmerge" --quiet --rate-limit 128K
        --checkpoint-interval 1 --memory 16M --origin /dev/mapper/origin --cow /dev/mapper/cow)
    slices_open "$T/origin.0" "$T/cow.0"
    local round before=$all left middle=0
    for round in 1 2 3; do
        # 15 is the polite way: exit status 32.
        uml_job exec kill-after=1500 kill-signal=15 "output=$T/said.$round" -- "${merge[@]}"
        uml_job copy from=/dev/mapper/cow "to=$T/stopped.$round"
        uml_job create name=snap "$(snapshot_table snapshot 1)"
        uml_job write-random dev=/dev/mapper/snap seed=1$round count=50 block=512
        uml_job copy from=/dev/mapper/snap "to=$T/view.$round"
        uml_job remove name=snap
    done
    uml_job create name=merge "$(snapshot_table snapshot-merge 1)"
    uml_job wait-merge name=merge
    uml_job remove name=merge
    uml_job cmp dev=/dev/mapper/origin "with=$T/view.3"
    uml_job copy from=/dev/mapper/cow "to=$T/cow"
    uml_go_slices
    # Each view is the one before it and what was written: none of our stops has changed it.
    cp view expected
    for round in 1 2 3; do
        assert_equal "$(uml_result $((round * 6 - 1)))" 'ok exit 32'
        left=$(count_entries stopped.$round 1)
        [ "$left" -gt 0 ]
        [ "$left" -ge "$before" ] || middle=$((middle + 1))
        before=$left
        uml_host write-random dev=expected seed=1$round count=50 block=512
        cmp expected view.$round
    done
    assert_equal "$(count_entries cow 1)" 0
    [ $middle -ge 1 ]
}

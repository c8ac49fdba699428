#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# One store, two workers: a merge that the kernel began and we finish, and one of ours that the kernel finishes.

load lib.bash

# make_pair CHUNK_SECTORS ORIGIN_SIZE JOB...: a store with what the jobs write (@ is the snapshot), and `view`.
make_pair() {
    local chunk_sectors=$1 job
    new_image origin.0 "$2" 1
    new_image cow.0 32M
    shift 2
    uml_begin
    slices_open "$T/origin.0" "$T/cow.0"
    uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
    for job; do
        # shellcheck disable=SC2086 # a job is words
        uml_job ${job//@//dev/mapper/snap}
    done
    uml_job copy from=/dev/mapper/snap "to=$T/view"
    uml_job remove name=snap
    slices_close "$T/origin.0" "$T/cow.0"
    uml_go_slices
    all=$(count_entries cow.0 "$chunk_sectors")
    uml_begin
}

# Neighbours, too: the kernel merges them as one run.
SMALL=('write-random dev=@ count=400 block=512 seed=2' 'write dev=@ offset=3M length=64K seed=3')

# A store larger than the smallest memory for a merge, so that the list is shortened on the way, too.
LARGE=('write dev=@ length=12M block=64K seed=2' 'write-random dev=@ count=40 block=64K seed=4')

our_merge() {
    tool snapmerge --origin "$1" --cow "$2" >said 2>&1 || { cat said && return 1; }
}

@test "the kernel stops in the middle of a merge, we finish it" {
    local chunk_sectors keep n left middle=0
    for chunk_sectors in 1 8; do
        make_pair $chunk_sectors 4M "${SMALL[@]}"
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
    make_pair 1 4M "${SMALL[@]}"
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
    make_pair 8 4M "${SMALL[@]}"
    mv origin.0 origin
    mv cow.0 cow
    uml_job create name=merge 'table=0 * snapshot-merge /dev/origin /dev/cow P 8'
    uml_job exec -- /bin/dd if=/dev/mapper/merge of=/dev/null bs=64K count=1
    uml_job halt
    uml_boot "origin=$T/origin" "cow=$T/cow"
    our_merge origin cow
    cmp origin view
}

# slow_merge: our merge of the slices as words for exec, slow enough to be stopped on the way.
slow_merge() {
    # shellcheck disable=SC2206 # a command with arguments
    words=(${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/snapmerge" --quiet --rate-limit 8M --memory 16M
        --origin /dev/mapper/origin --cow /dev/mapper/cow)
}

@test "our merge is killed anywhere, the kernel shows the same view and finishes it" {
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    local n=0 at left whole=0 cut=0 words
    make_pair 128 16M "${LARGE[@]}"
    slow_merge
    for at in origin:512 origin:1M origin:4M cow:512 origin:7M cow:1K origin:11M; do
        n=$((n + 1))
        slices_open "$T/origin.0" "$T/cow.0"
        uml_job exec kill-dev=/dev/mapper/${at%:*} kill-written=${at#*:} "output=$T/said.$n" -- "${words[@]}"
        uml_job copy from=/dev/mapper/origin "to=$T/origin.$n"
        uml_job copy from=/dev/mapper/cow "to=$T/cow.$n"
        uml_job create name=snap "$(snapshot_table snapshot 128)"
        uml_job cmp dev=/dev/mapper/snap "with=$T/view"
        uml_job remove name=snap
        uml_job create name=merge "$(snapshot_table snapshot-merge 128)"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        uml_job cmp dev=/dev/mapper/origin "with=$T/view"
        uml_job remove name=cow
        uml_job remove name=origin
    done
    uml_go_slices
    n=0
    for at in 5 21 37 53 69 85 101; do
        n=$((n + 1))
        assert_equal "$n $(uml_result $at)" "$n ok signal 9"
        run -1 cmp -s origin.$n origin.0
        left=$(count_entries cow.$n 128)
        [ "$left" -gt 0 ]
        if [ "$left" -lt "$all" ]; then
            cut=$((cut + 1))
        else
            whole=$((whole + 1))
        fi
        # What the kernel could finish, we can as well: repeating the command resumes.
        our_merge origin.$n cow.$n
        cmp origin.$n view
    done
    # Kills before the first cut of the list, and after it.
    [ $whole -ge 2 ]
    [ $cut -ge 2 ]
}

@test "we stop, the kernel writes to the snapshot, we go on, the kernel finishes" {
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    local round before left cut=0 words
    make_pair 128 16M "${LARGE[@]}"
    slow_merge
    slices_open "$T/origin.0" "$T/cow.0"
    for round in 1 2 3; do
        # 15 is the polite way: exit status 32.
        uml_job exec kill-dev=/dev/mapper/cow kill-signal=15 "output=$T/said.$round" -- "${words[@]}"
        uml_job copy from=/dev/mapper/cow "to=$T/stopped.$round"
        uml_job create name=snap "$(snapshot_table snapshot 128)"
        uml_job write-random dev=/dev/mapper/snap seed=1$round count=150 block=512
        uml_job copy from=/dev/mapper/cow "to=$T/written.$round"
        uml_job copy from=/dev/mapper/snap "to=$T/view.$round"
        uml_job remove name=snap
    done
    uml_job create name=merge "$(snapshot_table snapshot-merge 128)"
    uml_job wait-merge name=merge
    uml_job remove name=merge
    uml_job cmp dev=/dev/mapper/origin "with=$T/view.3"
    uml_job copy from=/dev/mapper/cow "to=$T/cow"
    uml_go_slices
    # Each view is the one before it and what was written: none of our stops has changed it.
    cp view expected
    before=$all
    for round in 1 2 3; do
        assert_equal "$round $(uml_result $((round * 7 - 2)))" "$round ok exit 32"
        left=$(count_entries stopped.$round 128)
        [ "$left" -gt 0 ]
        [ "$left" -ge "$before" ] || cut=$((cut + 1))
        before=$(count_entries written.$round 128)
        [ "$before" -gt "$left" ]
        uml_host write-random dev=expected seed=1$round count=150 block=512
        cmp expected view.$round
    done
    assert_equal "$(count_entries cow 128)" 0
    assert_equal $cut 3
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The fingerprint and the real kernel: it keeps it, what it says stays true, and a merge that the kernel begins is told.

load lib.bash
load workloads.bash
load ../cli/fingerprints.bash

# make_pair CHUNK_SECTORS ORIGIN_SIZE JOB...: snapcreate's store, with what the jobs write (@ is the snapshot, % the
# origin below it), and `view`.
make_pair() {
    local chunk_sectors=$1 job
    new_image origin.0 "$2" 1
    rm -f cow.0
    tool snapcreate --quiet --origin origin.0 --cow cow.0 --chunk-size "${1}s" --size 32M
    shift 2
    uml_begin
    slices_open "$T/origin.0" "$T/cow.0"
    snapshot_up
    for job; do
        job=${job//@//dev/mapper/snap}
        # shellcheck disable=SC2086 # a job is words
        uml_job ${job//%//dev/mapper/base}
    done
    uml_job copy from=/dev/mapper/snap "to=$T/view"
    snapshot_down
    slices_close "$T/origin.0" "$T/cow.0"
    uml_go_slices
    all=$(count_entries cow.0 "$chunk_sectors")
    uml_begin
}

SMALL=('write-random dev=@ count=40 block=4K seed=2' 'write dev=@ offset=3M length=64K seed=3'
    'write-random dev=% count=20 block=4K seed=4')

# true_of COW ORIGIN: what counts agrees, and that is a good part.
true_of() {
    local text
    text=$(fingerprint "$1" "$2")
    [[ $text =~ ' agree '([0-9]+)' differ 0'$ && ${BASH_REMATCH[1]} -ge 60 ]] ||
        { echo "$1: $text" >&2 && return 1; }
}

@test "the kernel loads the store, fills it and writes to the origin: the fingerprint stays, and proves the pair" {
    local chunk_sectors
    for chunk_sectors in 2 8 64; do
        make_pair $chunk_sectors 4M "${SMALL[@]}"
        [ "$all" -gt 20 ] || [ $chunk_sectors -eq 64 ]
        true_of cow.0 origin.0
        run -0 tool snapmerge --dry-run --origin origin.0 --cow cow.0
        assert_line --partial "pair        proven"
        run -0 tool snapmerge --origin origin.0 --cow cow.0
        cmp origin.0 view
        assert_equal "$(fingerprint cow.0)" none
    done
}

@test "the kernel invalidates the store: nothing of it is left" {
    new_image origin.0 4M 1
    tool snapcreate --quiet --origin origin.0 --cow cow.0 --size 256K
    slices_open "$T/origin.0" "$T/cow.0"
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job_any write dev=/dev/mapper/snap length=1M seed=2
    uml_job remove name=snap
    slices_close "$T/origin.0" "$T/cow.0"
    uml_go_slices
    [[ $(fingerprint cow.0) == none ]]
    run -4 tool snapinspect cow.0
}

@test "a merge that the kernel begins makes samples differ: that is said, and --accept=identity goes on" {
    local n=0 keep middle=0
    make_pair 2 4M 'write-random dev=@ count=400 block=512 seed=2' 'write-random dev=@ count=200 block=4K seed=3'
    for keep in 90 70 50 30; do
        n=$((n + 1))
        cp origin.0 origin.$n
        cp cow.0 cow.$n
        slices_open "$T/origin.$n" "$T/cow.$n"
        uml_job create name=merge "$(snapshot_table snapshot-merge 2)"
        uml_job wait-merge name=merge keep=$((keep * all / 100 * 2))
        slices_close "$T/origin.$n" "$T/cow.$n"
    done
    uml_go_slices
    for n in 1 2 3 4; do
        [ "$(count_entries cow.$n 2)" -gt 0 ] && [ "$(count_entries cow.$n 2)" -lt "$all" ] || continue
        middle=$((middle + 1))
        [[ $(fingerprint cow.$n origin.$n) != *" differ 0" ]]
        run -8 tool snapmerge --origin origin.$n --cow cow.$n
        assert_output --partial "kernel"
        assert_output --partial "Nothing was written."
        run -0 tool snapmerge --accept=identity --origin origin.$n --cow cow.$n
        cmp origin.$n view
        assert_equal "$(fingerprint cow.$n)" none
    done
    [ $middle -ge 1 ]
}

@test "a store that the kernel made and --identify told its origin: the kernel goes on with it, and it stays true" {
    new_image origin.0 4M 1
    new_image cow.0 8M
    slices_open "$T/origin.0" "$T/cow.0"
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job write-random dev=/dev/mapper/snap count=40 block=4K seed=2
    uml_job remove name=snap
    slices_close "$T/origin.0" "$T/cow.0"
    uml_go_slices
    run -0 tool snapcreate --identify --yes --origin origin.0 --cow cow.0
    true_of cow.0 origin.0
    uml_begin
    slices_open "$T/origin.0" "$T/cow.0"
    uml_job create name=snap "$(snapshot_table snapshot 8)"
    uml_job write-random dev=/dev/mapper/snap count=40 block=4K seed=3
    uml_job copy from=/dev/mapper/snap "to=$T/view"
    uml_job remove name=snap
    slices_close "$T/origin.0" "$T/cow.0"
    uml_go_slices
    true_of cow.0 origin.0
    run -0 tool snapmerge --dry-run --origin origin.0 --cow cow.0
    assert_line --partial "pair        proven"
    run -0 tool snapmerge --origin origin.0 --cow cow.0
    cmp origin.0 view
}

@test "our merge is killed anywhere, the kernel shows the same view and finishes it: true all the way" {
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    local n=0 at words left cut=0
    make_pair 128 16M 'write dev=@ length=8M block=64K seed=2' 'write-random dev=@ count=30 block=64K seed=4'
    # shellcheck disable=SC2206 # a command with arguments
    words=(${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/snapmerge" --quiet --rate-limit 8M --memory 16M
        --origin /dev/mapper/origin --cow /dev/mapper/cow)
    for at in cow:512 origin:512 origin:4M cow:1K; do
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
        uml_job copy from=/dev/mapper/origin "to=$T/origin.$n.done"
        uml_job copy from=/dev/mapper/cow "to=$T/cow.$n.done"
        uml_job remove name=cow
        uml_job remove name=origin
    done
    uml_go_slices
    for n in 1 2 3 4; do
        left=$(count_entries cow.$n 128)
        [ "$left" -eq "$all" ] || cut=$((cut + 1))
        true_of cow.$n origin.$n
        # The kernel leaves it: what it has merged was masked by us.
        assert_equal "$(count_entries cow.$n.done 128)" 0
        true_of cow.$n.done origin.$n.done
        run -0 tool snapmerge --origin origin.$n --cow cow.$n
        cmp origin.$n view
        assert_equal "$(fingerprint cow.$n)" none
    done
    [ $cut -ge 1 ]
}

@test "at every flush of our merge, as dm-log-writes has seen it, the fingerprint is true" {
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    local name=pair origin_sectors cow_sectors chunk_sectors=8 n states=0
    make_pair 8 4M "${SMALL[@]}"
    mv origin.0 pair.origin
    mv cow.0 pair.cow
    origin_sectors=$(($(stat -c %s pair.origin) / 512))
    cow_sectors=$(($(stat -c %s pair.cow) / 512))
    slices_open "$T/pair.origin" "$T/pair.cow"
    uml_job remove name=cow
    uml_job remove name=origin
    logged_begin
    # shellcheck disable=SC2086 # a command with arguments
    uml_job exec "output=$T/said" -- ${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/snapmerge" --quiet \
        --rate-limit 1G --origin /dev/mapper/origin --cow /dev/mapper/cow
    logged_end "$T/log"
    uml_go_slices
    log_states "$T/log" "$T/pair" "$T/state" 0 commits | grep -v '^log ' >list
    while read -r n _; do
        states=$n
        if [ "$(count_entries state.$n.cow 8)" -gt 0 ] || [ "$(fingerprint state.$n.cow)" != none ]; then
            true_of state.$n.cow state.$n.origin
        fi
    done <list
    assert_equal "$(fingerprint "state.$states.cow")" none
    [ $states -ge 3 ]
}

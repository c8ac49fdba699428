# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that the kernel makes for the handover tests: how each is made, and its merge by whom, with a log underneath.
# shellcheck shell=bash

# A case's log is a third slice of the disk; origin and COW are then slices of what is logged.
LOG_AT_SECTORS=$((96 << 11))
LOG_SECTORS=$((8 << 11))

# NAME CHUNK_SECTORS ORIGIN_SECTORS COW_SECTORS WINDOW_ENTRIES|JOB|...: @ is the snapshot, % the origin below it (a
# write there keeps the old data in the store), `again N` merges down to about N entries and goes on. A window of 0:
# not for merge-states, which takes no store with a warning.
WORKLOADS=(
    'c1-random          1    512   400   7  |write-random dev=@ count=90 block=512 seed=2'
    'c1-exact-areas     1    256   200  32  |write dev=@ length=48K block=512 seed=2'
    'c1-by-one          1    256   200   1  |write-random dev=@ count=40 block=512 seed=3'
    'c1-origin-written  1    512   400  11  |write-random dev=% count=80 block=512 seed=2'
    'c1-nearly-full     1    128    68   9  |write dev=@ length=63s block=512 seed=2'
    'c1-full            1    128    67   0  |write dev=@ length=63s block=512 seed=2'
    'c1-again           1    512   400   8  |write-random dev=@ count=80 block=512 seed=2|again 30|write-random dev=@ count=60 block=512 seed=4'
    'c2-odd-origin      2    511   600   5  |write dev=@ offset=500s length=11s block=512 seed=2|write-random dev=@ count=50 block=512 seed=3'
    'c2-both-written    2    512   900  40  |write-random dev=@ count=60 block=1K seed=2|write-random dev=% count=60 block=1K seed=3'
    'c8-one             8    256   100   1  |write dev=@ offset=20K length=4K seed=2'
    'c8-random          8   1024  1000   6  |write-random dev=@ count=60 seed=2|write-random dev=@ count=20 seed=3'
    'c8-two-areas       8   2200  2300  64  |write dev=@ length=1064K block=64K seed=2'
    'c8-odd-origin      8   1021  1200   3  |write dev=@ offset=1000s length=21s block=512 seed=2|write-random dev=% count=30 seed=3'
    'c32-random        32   4096  2500   4  |write-random dev=@ count=20 block=16K seed=2'
    'c128-mixed       128   6000  4800   5  |write-random dev=@ count=15 block=64K seed=2|write-random dev=% count=15 block=64K seed=3'
)

# workload WORDS: sets name, chunk_sectors, window and the sizes; the jobs stay in jobs[].
workload() {
    # shellcheck disable=SC2034 # for the tests
    read -r name chunk_sectors origin_sectors cow_sectors window _ <<<"${1%%|*}"
    IFS='|' read -r -a jobs <<<"${1#*|}"
}

snapshot_up() {
    uml_job create name=base 'table=0 * snapshot-origin /dev/mapper/origin'
    uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
}

snapshot_down() {
    uml_job remove name=snap
    uml_job remove name=base
}

# workload_make DIR: makes the current workload's DIR/NAME.origin, .cow and .view in the next boot; the slices keep
# their content on the disk.
workload_make() {
    local pair=$1/$name job
    new_image "$pair.origin" $((origin_sectors * 512)) 1
    new_image "$pair.cow" $((cow_sectors * 512))
    slices_open "$pair.origin" "$pair.cow"
    snapshot_up
    for job in "${jobs[@]}"; do
        if [[ $job == again* ]]; then
            snapshot_down
            uml_job create name=merge "$(snapshot_table snapshot-merge "$chunk_sectors")"
            uml_job wait-merge name=merge keep=$((${job#again } * chunk_sectors))
            snapshot_up
            continue
        fi
        job=${job//@//dev/mapper/snap}
        # shellcheck disable=SC2086 # a job is words
        uml_job ${job//%//dev/mapper/base}
    done
    uml_job copy from=/dev/mapper/snap "to=$pair.view"
    snapshot_down
    slices_close "$pair.origin" "$pair.cow"
}

# logged_begin, logged_end FILE: between them the pair that is on the disk is there again, and each write and flush
# to it goes to the log, both devices' in one order.
logged_begin() {
    uml_job create name=log "table=0 $LOG_SECTORS linear /dev/disk $LOG_AT_SECTORS"
    uml_job create name=logged "table=0 $LOG_AT_SECTORS log-writes /dev/disk /dev/mapper/log"
    uml_job create name=origin "table=0 $origin_sectors linear /dev/mapper/logged 0"
    uml_job create name=cow "table=0 $cow_sectors linear /dev/mapper/logged $UML_COW_AT_SECTORS"
}

logged_end() {
    uml_job remove name=cow
    uml_job remove name=origin
    uml_job remove name=logged
    uml_job copy from=/dev/mapper/log "to=$1"
    uml_job remove name=log
}

# log_states LOG PAIR PREFIX MAX commits|all
log_states() {
    "$BUILDDIR/tests/kernel/log-states" "$1" "$2.origin" 0 "$2.cow" "$UML_COW_AT_SECTORS" "$3" "$4" "$5"
}

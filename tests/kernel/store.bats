#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that the kernel wrote: our figures, view and merge are the kernel's, and the kernel takes the store back.

load lib.bash

# made NAME CHUNK_SECTORS ORIGIN_SECTORS COW_SECTORS JOB...: a store with what these jobs write; @ is the snapshot.
made() {
    local name=$1 chunk_sectors=$2 job
    [ -e "$S/$name.origin" ] || new_image "$S/$name.origin" $(($3 * 512)) "$3"
    new_image "$S/$name.cow" $(($4 * 512))
    shift 4
    echo "$name $chunk_sectors" >>"$S/list"
    slices_open "$S/$name.origin" "$S/$name.cow"
    uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
    for job; do
        # shellcheck disable=SC2086 # a job is words
        uml_job ${job//@//dev/mapper/snap}
    done
    uml_job status name=snap
    echo ${#uml_jobs[@]} >"$S/$name.job"
    uml_job copy from=/dev/mapper/snap "to=$S/$name.view"
    uml_job remove name=snap
    slices_close "$S/$name.origin" "$S/$name.cow"
}

# Two snapshots of one origin, which is itself written to: each has its own copy of what was there before.
made_forks() {
    local fork
    for fork in forka forkb; do
        new_image "$S/$fork.origin" 2M 21
        new_image "$S/$fork.cow" 2M
    done
    echo forka 8 >>"$S/list"
    echo forkb 32 >>"$S/list"
    slices_open "$S/forka.origin" "$S/forka.cow"
    uml_job create name=cowb 'table=0 4096 linear /dev/disk 200000'
    uml_job copy "from=$S/forkb.cow" to=/dev/mapper/cowb
    uml_job create name=base 'table=0 * snapshot-origin /dev/mapper/origin'
    uml_job create name=forka 'table=0 * snapshot /dev/mapper/origin /dev/mapper/cow P 8'
    uml_job create name=forkb 'table=0 * snapshot /dev/mapper/origin /dev/mapper/cowb P 32'
    # The origin learns at its resume how finely it has to split what is written to it.
    uml_job suspend name=base
    uml_job resume name=base
    uml_job write-random dev=/dev/mapper/forka seed=22 count=30
    uml_job write-random dev=/dev/mapper/base seed=23 count=30
    uml_job write-random dev=/dev/mapper/forkb seed=24 count=30
    uml_job write-random dev=/dev/mapper/base seed=25 count=30 block=512
    for fork in forka forkb; do
        uml_job status name=$fork
        echo ${#uml_jobs[@]} >"$S/$fork.job"
        uml_job copy from=/dev/mapper/$fork "to=$S/$fork.view"
        uml_job remove name=$fork
    done
    uml_job remove name=base
    uml_job copy from=/dev/mapper/origin "to=$S/forkb.origin"
    uml_job copy from=/dev/mapper/cowb "to=$S/forkb.cow"
    uml_job remove name=cowb
    slices_close "$S/forka.origin" "$S/forka.cow"
}

# The stores are what their names say; else the tests below would try less than they seem to.
prove_made() {
    local name chunk_sectors wanted
    while read -r name chunk_sectors; do
        wanted=${name##*-}
        case $name in
        *-none) wanted=0 ;;
        *-all-but-one) wanted=13 ;;
        esac
        case $wanted in
        *[!0-9]*) [ "$(count_entries "$S/$name.cow" "$chunk_sectors")" -gt 2 ] ;;
        *) assert_equal "$name $(count_entries "$S/$name.cow" "$chunk_sectors")" "$name $wanted" ;;
        esac
    done <"$S/list"
    assert_equal "$(wc -l <"$S/list")" 26
    # Several areas, and a full store.
    [ "$(count_entries "$S/c8-random.cow" 8)" -gt 256 ]
    assert_equal "$(cat "$S/c8-all-14.status")" '128/128 16'
    assert_equal "$(cat "$S/c1-all-98.status")" '103/103 5'
    assert_equal "$(cat "$S/c1-all-95.status")" '99/100 4'
}

setup_file() {
    local fs name chunk_sectors
    uml_setup_file || return 0
    # An area of chunk size 1 has 32 entries, of 8: 256. Names say chunk size and number of entries.
    made c1-none 1 2048 2048
    made c1-20 1 2048 2048 'write dev=@ offset=100s length=20s block=512 seed=1'
    made c1-31 1 2048 2048 'write dev=@ offset=100s length=31s block=512 seed=1'
    made c1-32 1 2048 2048 'write dev=@ offset=100s length=32s block=512 seed=1'
    made c1-33 1 2048 2048 'write dev=@ offset=100s length=33s block=512 seed=1'
    made c1-64 1 2048 2048 'write dev=@ offset=100s length=64s block=512 seed=1'
    made c1-random 1 2048 2048 'write-random dev=@ count=500 block=512 seed=2'
    made c8-255 8 8192 8192 'write dev=@ offset=40K length=1020K seed=3'
    made c8-256 8 8192 8192 'write dev=@ offset=40K length=1M seed=3'
    made c8-257 8 8192 8192 'write dev=@ offset=40K length=1028K seed=3'
    made c8-random 8 8192 8192 'write-random dev=@ count=600 seed=4'
    # Partial chunks: the rest is copied from the origin.
    made c32-random 32 8192 8192 'write-random dev=@ count=60 seed=5'
    made c128-random 128 8192 8192 'write-random dev=@ count=30 seed=6'
    made c1024-random 1024 32768 32768 'write-random dev=@ count=40 seed=7' \
        'write dev=@ offset=7M length=1M block=1M'
    # The last chunk of the origin, and of the COW, is cut.
    made c8-odd-origin 8 8189 8192 'write dev=@ offset=8184s length=5s block=2560 seed=8' \
        'write-random dev=@ count=40 seed=9'
    made c128-odd-both 128 8100 8000 'write dev=@ offset=8099s length=1s block=512 seed=8' \
        'write-random dev=@ count=9 seed=9'
    # 16 chunks: a header, an area, 14 for data. All of them, and all but one.
    made c8-all-14 8 2048 128 'write dev=@ length=56K seed=10'
    made c8-all-but-one 8 2048 135 'write dev=@ length=52K seed=10'
    # Full with several areas: 103 chunks are a header, 4 areas and 98 for data. In 100 chunks there are 96 for
    # data, but the last one would need a fourth area behind the end.
    made c1-all-98 1 2048 103 'write dev=@ length=98s block=512 seed=11'
    made c1-all-95 1 2048 100 'write dev=@ length=95s block=512 seed=11'
    for fs in ext4 xfs; do
        for chunk_sectors in 8 128; do
            name=c$chunk_sectors-$fs
            truncate -s 32M "$S/$name.origin"
            if [ $fs = ext4 ]; then
                mke2fs -q -t ext4 "$S/$name.origin"
            else
                # These three let newer versions of mkfs.xfs make one smaller than 300 MB.
                TEST_DIR=. TEST_DEV=. QA_CHECK_FS=1 mkfs.xfs -q "$S/$name.origin"
            fi
            made "$name" $chunk_sectors 65536 65536 "mount dev=@ dir=/run/mnt fs=$fs" \
                'make-files dir=/run/mnt seed=12 count=40 size=100K' 'umount dir=/run/mnt'
        done
    done
    made_forks
    uml_go_slices
    while read -r name chunk_sectors; do
        uml_status "$(cat "$S/$name.job")" >"$S/$name.status"
    done <"$S/list"
    prove_made
}

@test "snapinspect and snapcheck: the figures are those of the kernel's status line" {
    local name chunk_sectors program
    while read -r name chunk_sectors; do
        for program in snapinspect snapcheck; do
            tool $program --json "$S/$name.cow" >json
            assert_equal "$name $(usage_line json)" "$name $(cat "$S/$name.status")"
            assert_equal "$name $(figure entries <json)" "$name $(count_entries "$S/$name.cow" "$chunk_sectors")"
        done
    done <"$S/list"
}

@test "snapinspect --extract: the view is the kernel's, byte for byte, and nothing is written to" {
    local name chunk_sectors
    while read -r name chunk_sectors; do
        cp "$S/$name.origin" origin
        cp "$S/$name.cow" cow
        rm -f view
        tool snapinspect --origin origin --extract view cow
        cmp view "$S/$name.view"
        cmp origin "$S/$name.origin"
        cmp cow "$S/$name.cow"
    done <"$S/list"
}

@test "snapcheck finds nothing to complain about" {
    local name chunk_sectors
    while read -r name chunk_sectors; do
        echo "$name"
        tool snapcheck --origin "$S/$name.origin" "$S/$name.cow"
    done <"$S/list"
}

@test "snapmerge: the origin is the kernel's view then, and the kernel loads an empty store" {
    local name chunk_sectors at
    uml_begin
    while read -r name chunk_sectors; do
        cp "$S/$name.origin" "$name.origin"
        cp "$S/$name.cow" "$name.cow"
        tool snapmerge --origin "$name.origin" --cow "$name.cow" 2>said || { cat said && return 1; }
        cmp "$name.origin" "$S/$name.view"
        slices_open "$BATS_TEST_TMPDIR/$name.origin" "$BATS_TEST_TMPDIR/$name.cow"
        uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
        uml_job status name=snap
        uml_job cmp dev=/dev/mapper/snap with=/dev/mapper/origin
        uml_job remove name=snap
        uml_job create name=merge "$(snapshot_table snapshot-merge "$chunk_sectors")"
        uml_job wait-merge name=merge timeout=0
        uml_job remove name=merge
        uml_job remove name=cow
        uml_job remove name=origin
    done <"$S/list"
    uml_go_slices
    at=0
    while read -r name chunk_sectors; do
        assert_equal "$name $(uml_status $((at + 6)))" \
            "$name $((2 * chunk_sectors))/$(($(stat -c %s "$name.cow") / 512)) $((2 * chunk_sectors))"
        at=$((at + 13))
    done <"$S/list"
}

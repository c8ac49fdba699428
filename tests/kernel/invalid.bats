#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that the kernel has given up: our programs say so, refuse them, and leave every byte as it was; made valid again,
# they show and merge what is promised of them.
# shellcheck disable=SC2030,SC2031,SC2086,SC2154

load lib.bash

# Each way to the end of a store: by whom the last write came, with which mode, and whether the store is full or one of its
# chunks fails. `view` is what the snapshot showed before that write.
WAYS=(P-snapshot P-origin PO-snapshot PO-origin PO-both error-snapshot error-origin)

# way NAME: a store of 30 data chunks, as snapcreate makes it. Written to from both sides, then up to its last free
# chunk, or to chunk 20, which fails; then one write too many, of two chunks.
way() {
    local name=$1 mode=${1%%-*} side=${1##*-} store=cow last=30 job
    new_image "$S/$name.origin" 1M 1
    tool snapcreate --quiet --origin "$S/$name.origin" --cow "$S/$name.cow" --size 128K
    slices_open "$S/$name.origin" "$S/$name.cow"
    if [ "$mode" = error ]; then
        mode=P store=bad last=18
        uml_job create name=bad 'table=0 160 linear /dev/mapper/cow 0;160 8 error;168 88 linear /dev/mapper/cow 168'
    fi
    uml_job create name=base 'table=0 * snapshot-origin /dev/mapper/origin'
    uml_job create name=snap "table=0 * snapshot /dev/mapper/origin /dev/mapper/$store $mode 8"
    # The origin learns at its resume how finely it has to split what is written to it.
    uml_job suspend name=base
    uml_job resume name=base
    uml_job write dev=/dev/mapper/base offset=512K length=40K seed=2
    uml_job write dev=/dev/mapper/snap offset=40K length=$(((last - 10) * 4))K seed=3
    uml_job copy from=/dev/mapper/snap "to=$S/$name.view"
    uml_job copy from=/dev/mapper/origin "to=$S/$name.origin.full"
    job=${#uml_jobs[@]}
    uml_job status name=snap
    [ "$side" = origin ] || uml_job_any write dev=/dev/mapper/snap offset=800K length=8K seed=4
    [ "$side" = snapshot ] || uml_job write dev=/dev/mapper/base offset=900K length=8K seed=5
    uml_job status name=snap
    uml_job_any cmp dev=/dev/mapper/snap "with=$S/$name.view"
    uml_job remove name=snap
    uml_job remove name=base
    [ $store = cow ] || uml_job remove name=bad
    slices_close "$S/$name.origin" "$S/$name.cow"
    echo "$name $((job + 1)) ${#uml_jobs[@]}" >>"$S/ways"
}

# What the kernel said: STATUS BEFORE|STATUS AFTER|WHETHER IT STILL SHOWS THE VIEW
ways_answers() {
    local name first last shown
    while read -r name first last; do
        shown=$first
        until [[ ${uml_jobs[shown]} == cmp* ]]; do
            shown=$((shown + 1))
        done
        echo "$(uml_status "$first")|$(uml_status "$shown")|$(uml_result $((shown + 1)))" >"$S/$name.said"
    done <"$S/ways"
}

setup_file() {
    local name
    uml_setup_file || return 0
    for name in written origin; do
        new_image "$S/$name.origin" 1M 1
        new_image "$S/$name.cow" 64K
        slices_open "$S/$name.origin" "$S/$name.cow"
        uml_job create name=base 'table=0 * snapshot-origin /dev/mapper/origin'
        uml_job create name=snap "$(snapshot_table snapshot 8)"
        # The overflow comes through the snapshot, or through the origin.
        if [ $name = written ]; then
            uml_job fill dev=/dev/mapper/snap seed=2
        else
            uml_job write dev=/dev/mapper/base seed=2
        fi
        uml_job status name=snap
        uml_job remove name=snap
        uml_job create name=snap "$(snapshot_table snapshot 8)"
        uml_job status name=snap
        uml_job_any crc dev=/dev/mapper/snap
        uml_job remove name=snap
        uml_job remove name=base
        slices_close "$S/$name.origin" "$S/$name.cow"
    done
    for name in "${WAYS[@]}"; do
        way "$name"
    done
    uml_go_slices
    ways_answers
    # Before and after a load.
    assert_equal "$(uml_status 8) $(uml_status 11)" 'Invalid Invalid'
    assert_equal "$(uml_status 26) $(uml_status 29)" 'Invalid Invalid'
    [[ $(uml_result 12) == 'error 5 '* ]]
    [[ $(uml_result 30) == 'error 5 '* ]]
}

# refused NAME PROGRAM ARGUMENT...: exit 4, `invalid` in what it says, nothing changed; o and c are the pair.
refused() {
    local name=$1 status=0
    shift
    cp "$S/$name.origin" o
    cp "$S/$name.cow" c
    tool "$@" >said 2>&1 || status=$?
    [ $status -eq 4 ] || { echo "$*: exit status $status" && cat said && return 1; }
    grep -q 'marked invalid' said || { echo "$*: not said" && cat said && return 1; }
    cmp o "$S/$name.origin"
    cmp c "$S/$name.cow"
}

@test "an overflowed store: snapinspect, snapcheck and snapmerge say invalid, exit 4, and write nothing" {
    local name
    for name in written origin; do
        refused $name snapinspect c
        refused $name snapinspect --json c
        refused $name snapinspect --origin o --extract view c
        [ ! -e view ]
        refused $name snapcheck c
        refused $name snapcheck --json --origin o c
        refused $name snapmerge --origin o --cow c
        grep -q '^Nothing was written\.$' said
        refused $name snapmerge --dry-run --origin o --cow c
        refused $name snapmerge --yes --accept=identity,cut --origin o --cow c
        grep -q '^Nothing was written\.$' said
    done
}

@test "the status at each end of a store: Invalid, and Overflow only where mode PO was written to through the snapshot" {
    local name
    for name in "${WAYS[@]}"; do
        echo "$name|$(sed 's/|ok .*/|shown/; s/|error 5 .*/|EIO/' "$S/$name.said")"
    done >said
    diff - said <<'END'
P-snapshot|256/256 16|Invalid|EIO
P-origin|256/256 16|Invalid|EIO
PO-snapshot|256/256 16|Overflow|shown
PO-origin|256/256 16|Invalid|EIO
PO-both|256/256 16|Invalid|EIO
error-snapshot|160/256 16|Invalid|EIO
error-origin|160/256 16|Invalid|EIO
END
}

# entries_of NAME: how many of its 30 chunks were used when the kernel gave it up.
entries_of() {
    [[ $1 == error-* ]] && echo 18 || echo 30
}

@test "what is certain is said of each: why it was given up, which chunks are right, and what may be missing" {
    local name program cause status
    for name in "${WAYS[@]}"; do
        [ $name != PO-snapshot ] || continue
        [[ $name == error-* ]] && cause=overflow-or-error || cause=overflow
        echo $name
        for program in snapcheck snapinspect; do
            refused $name $program --origin o c
            refused $name $program c
            if [ $cause = overflow ]; then
                grep -q 'it overflowed, no chunk is free; whether a write to the snapshot or to the origin was too many' said
            else
                grep -q '12 of 30 chunks are free: a read or write failed' said
            fi
            grep -q "$(entries_of $name) chunks of the snapshot are here and right$" said
            grep -q 'any other chunk is wrong if the origin was written to there since; none is, if the origin was only read' \
                said
            refused $name $program --json c
            status=0
            tool $program --json c >json 2>said || status=$?
            assert_equal "$name $status $(jq -r '.result | "\(.invalid_cause) \(.entries) \(.free_chunks)"' json)" \
                "$name 4 $cause $(entries_of $name) $((30 - $(entries_of $name)))"
        done
    done
    # The status Overflow is not on the disk: this store is valid, full, and still knows its origin.
    run -0 tool snapcheck --origin "$S/PO-snapshot.origin" "$S/PO-snapshot.cow"
    assert_output --partial 'store-full'
    tool snapcheck --json --origin "$S/PO-snapshot.origin" "$S/PO-snapshot.cow" >json
    assert_equal "$(jq -r .result.pair.outcome json)" proven
}

# still_shown NAME: `expected`, the view before the write that was too many; where that went to the origin, its two
# chunks are those of the origin.
still_shown() {
    cp "$S/$1.view" expected
    [[ $1 == *-snapshot ]] ||
        dd if="$S/$1.origin" of=expected bs=4096 skip=225 seek=225 count=2 conv=notrunc status=none
}

@test "valid again: each entry is exact, only what was written to the origin is missing, and the kernel merges just that" {
    local name status
    for name in "${WAYS[@]}"; do
        cp "$S/$name.origin" "$name.origin"
        cp "$S/$name.cow" "$name.cow"
        still_shown $name
        mv expected $name.expected
        # With an origin that was only read nothing is missing.
        [[ $name != *-snapshot ]] || cmp $name.expected "$S/$name.view"
        [[ $name == *-snapshot ]] || run -1 cmp $name.expected "$S/$name.view"
        status=0
        tool snapcheck -y --accept=revalidate --origin $name.origin $name.cow >said 2>&1 || status=$?
        if [ $name = PO-snapshot ]; then
            assert_equal $status 0
            cmp $name.cow "$S/$name.cow"
        else
            assert_equal $status 1
        fi
        run -0 tool snapcheck --origin $name.origin $name.cow
        tool snapinspect -q --origin $name.origin --extract shown $name.cow 2>said
        cmp shown $name.expected
        rm shown
        slices_open "$T/$name.origin" "$T/$name.cow"
        uml_job create name=snap "$(snapshot_table snapshot 8)"
        uml_job status name=snap
        uml_job cmp dev=/dev/mapper/snap "with=$T/$name.expected"
        uml_job remove name=snap
        uml_job create name=merge "$(snapshot_table snapshot-merge 8)"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        uml_job cmp dev=/dev/mapper/origin "with=$T/$name.expected"
        slices_close "$T/$name.merged" "$T/$name.empty"
        # On a longer device it takes more.
        cp $name.cow $name.longer
        truncate -s 192K $name.longer
        cp $name.expected $name.more
        uml_host write "dev=$name.more" offset=700K length=40K seed=6
        slices_open "$T/$name.origin" "$T/$name.longer"
        uml_job create name=snap "$(snapshot_table snapshot 8)"
        uml_job write dev=/dev/mapper/snap offset=700K length=40K seed=6
        uml_job remove name=snap
        uml_job create name=merge "$(snapshot_table snapshot-merge 8)"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        uml_job cmp dev=/dev/mapper/origin "with=$T/$name.more"
        slices_close "$T/$name.merged" "$T/$name.empty"
    done
    uml_go_slices
    for name in "${WAYS[@]}"; do
        tool snapmerge --quiet --accept=identity --origin $name.origin --cow $name.cow >said 2>&1 || { cat said && return 1; }
        cmp $name.origin $name.expected
    done
}

# expected NAME: the view that is left, from the first entries on (the writes went from the start of the device).
expected() {
    local chunks
    chunks=$(jq .result.entries json)
    if [ "$1" = written ]; then
        new_image expected 1M 1
        new_image newer 1M 2
    else
        new_image expected 1M 2
        new_image newer 1M 1
    fi
    dd if=newer of=expected bs=4096 count="$chunks" conv=notrunc status=none
}

@test "an overflowed store: full to the last chunk, each entry is right, and the rest of the view is what the origin has" {
    local name status
    for name in written origin; do
        status=0
        refused $name snapinspect --json --origin o c
        tool snapinspect --json --origin o c >json || status=$?
        [ $status -eq 4 ]
        [ "$(jq -r .result.invalid_cause json)" = overflow ]
        [ "$(jq .result.entries json)" -gt 10 ]
        expected $name
        status=0
        rm -f view
        tool snapinspect --extract view --accept=invalid --origin o c >said 2>&1 || status=$?
        [ $status -eq 4 ] || { cat said && return 1; }
        cmp view expected
        cmp c "$S/$name.cow"
    done
}

@test "snapcreate does not take an invalid store for an empty device" {
    local status=0
    cp "$S/written.origin" o
    cp "$S/written.cow" c
    tool snapcreate --origin o --cow c >said 2>&1 || status=$?
    [ $status -eq 4 ] || [ $status -eq 8 ] || { cat said && return 1; }
    cmp c "$S/written.cow"
}

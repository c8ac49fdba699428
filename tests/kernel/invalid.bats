#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that the kernel has given up: our programs say so, refuse them, and leave every byte as it was.

load lib.bash

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
    uml_go_slices
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

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# An origin whose other snapshots are active on this system: refused, with their names and what to do.

load lib.bash
load workloads.bash

# ours PROGRAM ARGUMENT...: its job number is in `last`, what it says in said.$last.
ours() {
    local program=$1
    shift
    last=$((${#uml_jobs[@]} + 1))
    # shellcheck disable=SC2086 # a command with arguments
    uml_job exec "output=$T/said.$last" -- ${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/$program" --quiet "$@"
}

@test "active snapshots of the origin are named, and nothing is written; without them the merge goes on" {
    local last name chunk_sectors origin_sectors cow_sectors window jobs busy free
    workload 'pair 8 8192 5600 0|write dev=@ length=400K block=64K seed=2'
    workload_make "$T"
    uml_go_slices

    uml_begin
    slices_open "$T/pair.origin" "$T/pair.cow"
    uml_job create name=cow2 "table=0 2048 linear /dev/disk $((110 << 11))"
    uml_job create name=cow3 "table=0 2048 linear /dev/disk $((114 << 11))"
    uml_job create name=hourly "table=0 * snapshot /dev/mapper/origin /dev/mapper/cow2 P 8"
    uml_job create name=daily "table=0 * snapshot /dev/mapper/origin /dev/mapper/cow3 P 16"
    uml_job load name=daily "table=0 * snapshot /dev/mapper/origin /dev/mapper/cow3 P 16"
    uml_job create name=weekly "table=0 8192 error"
    uml_job create name=cow4 "table=0 2048 linear /dev/disk $((116 << 11))"
    uml_job load name=weekly "table=0 * snapshot /dev/mapper/origin /dev/mapper/cow4 P 8"
    ours snapmerge --origin /dev/mapper/origin --cow /dev/mapper/cow
    busy=$last
    uml_job cmp dev=/dev/mapper/cow "with=$T/pair.cow"
    uml_job remove name=daily
    uml_job remove name=weekly
    uml_job remove name=hourly
    ours snapmerge --origin /dev/mapper/origin --cow /dev/mapper/cow
    free=$last
    uml_job cmp dev=/dev/mapper/origin "with=$T/pair.view"
    uml_go_slices

    echo "$(uml_result "$busy")"
    cat "$T/said.$busy"
    [ "$(uml_result "$busy")" = "ok exit 8" ]
    grep -q 'these snapshots of it are active: ' "$T/said.$busy"
    grep -q 'hourly' "$T/said.$busy"
    grep -q 'daily' "$T/said.$busy"
    [ "$(sed 's/.*are active: //' "$T/said.$busy" | grep -o daily | wc -l)" -eq 1 ]
    grep -qF 'weekly (loaded, and waits for a resume)' "$T/said.$busy"
    grep -q -- '--preserve' "$T/said.$busy"
    grep -q 'Nothing was written' "$T/said.$busy"
    [ "$(uml_result "$free")" = "ok exit 0" ]
}

@test "more active snapshots than a message has room for: it says how many it leaves out" {
    local last long i
    workload 'pair 8 8192 5600 0|write dev=@ length=400K block=64K seed=2'
    workload_make "$T"
    uml_go_slices

    uml_begin
    slices_open "$T/pair.origin" "$T/pair.cow"
    long=$(printf 'x%.0s' {1..100})
    for i in {1..12}; do
        uml_job create "name=cow$i" "table=0 64 linear /dev/disk $(((110 << 11) + 64 * i))"
        uml_job create "name=$i-$long" "table=0 * snapshot /dev/mapper/origin /dev/mapper/cow$i P 8"
    done
    ours snapmerge --origin /dev/mapper/origin --cow /dev/mapper/cow
    uml_go_slices

    cat "$T/said.$last"
    [ "$(uml_result "$last")" = "ok exit 8" ]
    [ "$(sed 's/.*are active: //' "$T/said.$last" | grep -o "[0-9]*-$long" | wc -l)" -eq 9 ]
    grep -q ", and 3 more; deactivate them" "$T/said.$last"
}

@test "an origin whose bytes are in use through another device-mapper device, or a loop device over what is below" {
    local last twin dry below free waits
    workload 'pair 8 8192 5600 0|write dev=@ length=400K block=64K seed=2'
    workload_make "$T"
    uml_go_slices

    uml_begin
    slices_open "$T/pair.origin" "$T/pair.cow"
    uml_job create name=twin "table=0 64 linear /dev/disk 128"
    uml_job create name=user "table=0 64 linear /dev/mapper/twin 0"
    ours snapmerge --origin /dev/mapper/origin --cow /dev/mapper/cow
    twin=$last
    ours snapmerge -n --origin /dev/mapper/origin --cow /dev/mapper/cow
    dry=$last
    uml_job remove name=user
    uml_job remove name=twin
    uml_job create name=twin "table=0 64 error"
    uml_job load name=twin "table=0 64 linear /dev/disk 128"
    uml_job create name=user "table=0 64 linear /dev/mapper/twin 0"
    ours snapmerge --origin /dev/mapper/origin --cow /dev/mapper/cow
    waits=$last
    uml_job remove name=user
    uml_job remove name=twin
    uml_job exec -- /sbin/losetup /dev/loop3 /dev/disk
    uml_job create name=user "table=0 64 linear /dev/loop3 0"
    ours snapmerge --origin /dev/mapper/origin --cow /dev/mapper/cow
    below=$last
    uml_job cmp dev=/dev/mapper/cow "with=$T/pair.cow"
    uml_job remove name=user
    ours snapmerge --origin /dev/mapper/origin --cow /dev/mapper/cow
    free=$last
    uml_job cmp dev=/dev/mapper/origin "with=$T/pair.view"
    uml_go_slices

    [ "$(uml_result "$twin")" = "ok exit 8" ]
    cat "$T/said.$twin" "$T/said.$below"
    grep -q '/dev/mapper/origin: in use: /dev/mapper/twin has the same bytes, and is held by ' "$T/said.$twin"
    grep -q 'Nothing was written' "$T/said.$twin"
    [ "$(uml_result "$dry")" = "ok exit 8" ]
    [ "$(uml_result "$waits")" = "ok exit 8" ]
    grep -q '/dev/mapper/origin: in use: /dev/mapper/twin has the same bytes, and is held by ' "$T/said.$waits"
    [ "$(uml_result "$below")" = "ok exit 8" ]
    grep -q '/dev/mapper/.*: in use: /dev/loop3 has the same bytes, and is held by ' "$T/said.$below"
    [ "$(uml_result "$free")" = "ok exit 0" ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The lines of --print-table, run as they are by a shell on the real kernel: the devices show the right bytes.

load lib.bash

# printed SCRIPT SNAPCREATE_OPTION...: what a call on the host prints for the two images.
printed() {
    local script=$1
    shift
    tool snapcreate --quiet --origin "$T/the origin.img" --cow "$T/cow.img" "$@" >"$script"
}

# script FILE: the kernel's side runs it.
script() {
    uml_job exec "output=$T/said.${1##*/}" -- /bin/bash -e "$1"
}

# in_kernel NAME PROGRAM ARGUMENT...: what it prints goes to $T/NAME.
in_kernel() {
    local name=$1
    shift
    # shellcheck disable=SC2086 # a command with arguments
    uml_job exec "output=$T/$name" -- ${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/$1" --quiet "${@:2}"
}

all_exit_0() {
    local i
    for ((i = 0; i < ${#uml_jobs[@]}; i++)); do
        [[ ${uml_jobs[i]} != exec* || ${uml_results[i]} == "ok exit 0" ]] ||
            { echo "${uml_jobs[i]}: ${uml_results[i]}" && cat "$T"/said.* && return 1; }
    done
}

@test "images and devices, each target and mode: the script gives a device with the right bytes" {
    local name
    new_image "the origin.img" $((2047 * 512)) 1
    cp "the origin.img" new.img
    uml_host write-random dev=new.img seed=5 count=20 block=512
    tool snapcreate --quiet --origin "the origin.img" --cow cow.img --size 1M --from-diff new.img
    new_image scratch.img 1M
    printed both.sh --print-table p,snapshot,snapshot-origin
    printed merge.sh --print-table snapshot-merge
    tool snapcreate --quiet --origin "the origin.img" --cow scratch.img --print-table n,snapshot >transient.sh
    # The script may be run anywhere; these names are relative to here.
    for name in both merge transient; do
        sed -i "1i cd '$T'" "$name.sh"
    done
    new_image o.disk $((2047 * 512)) 1
    cp cow.img c.disk

    script "$T/both.sh"
    uml_job cmp dev=/dev/mapper/cow.img-snapshot "with=$T/new.img"
    uml_job cmp dev=/dev/mapper/the_origin.img-origin with=/dev/o
    uml_job remove name=cow.img-snapshot
    uml_job remove name=the_origin.img-origin
    uml_job exec -- /usr/sbin/losetup --detach-all
    script "$T/transient.sh"
    uml_job table name=scratch.img-snapshot
    uml_job cmp dev=/dev/mapper/scratch.img-snapshot with=/dev/o
    uml_job remove name=scratch.img-snapshot
    uml_job exec -- /usr/sbin/losetup --detach-all
    script "$T/merge.sh"
    uml_job wait-merge name=the_origin.img-merge
    uml_job cmp dev=/dev/mapper/the_origin.img-merge "with=$T/new.img"
    uml_job remove name=the_origin.img-merge
    uml_job exec -- /usr/sbin/losetup --detach-all

    in_kernel devices.sh snapcreate --origin /dev/o --cow /dev/c --print-table PO,snapshot
    script "$T/devices.sh"
    uml_job table name=c-snapshot
    uml_job cmp dev=/dev/mapper/c-snapshot "with=$T/new.img"
    in_kernel again.sh snapcreate --origin /dev/o --cow /dev/c --print-table PO,snapshot,snapshot-origin
    uml_job remove name=c-snapshot
    script "$T/again.sh"
    uml_job cmp dev=/dev/mapper/c-snapshot "with=$T/new.img"
    uml_job cmp dev=/dev/mapper/o-origin with=/dev/o
    uml_job remove name=c-snapshot
    uml_job remove name=o-origin
    uml_go "o=$T/o.disk" "c=$T/c.disk"

    all_exit_0
    [[ $(uml_result 8) == *" snapshot "*" N 8" ]]
    [[ $(uml_result 19) == *" snapshot "*" PO 8" ]]
    cmp "the origin.img" new.img
    [ "$(count_entries cow.img 8)" -eq 0 ]
}

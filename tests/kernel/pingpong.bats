#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Ping-pong: random sequences of writes by the kernel, parts of its merge, parts of ours, whole merges, new stores.
# DMSNAP_LONG=1: more and longer ones. The sequences are the same in every run.

load lib.bash

# The next number of the sequence, below $1, in `number`: the same in every bash.
random() {
    state=$(((state * 1103515245 + 12345) & 0x7fffffff))
    number=$(((state >> 8) % $1))
}

ours() {
    local name=$1
    shift
    # shellcheck disable=SC2086 # a command with arguments
    uml_job exec "$@" -- ${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/$name" "${options[@]}"
    steps+=("${#uml_jobs[@]} $name")
}

# What everybody must see after each step, whoever made it.
view_is() {
    uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
    uml_job cmp dev=/dev/mapper/snap "with=$1"
    uml_job remove name=snap
}

# Writes to the snapshot or below it, there and on the host.
step_kernel_write() {
    local seed=$1 count below block=$((chunk_sectors * 512 / 2))
    [ $block -ge 512 ] || block=512
    random 60
    count=$((number + 5))
    random 3
    below=$number
    uml_job create name=base 'table=0 * snapshot-origin /dev/mapper/origin'
    uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
    if [ "$below" -eq 0 ]; then
        uml_job write-random dev=/dev/mapper/base "seed=$seed" count=$count block=$block
    else
        uml_job write-random dev=/dev/mapper/snap "seed=$seed" count=$count block=$block
        cp "$view" "$view.next"
        uml_host write-random "dev=$view.next" "seed=$seed" count=$count block=$block >/dev/null
        view=$view.next
    fi
    uml_job remove name=snap
    uml_job remove name=base
}

step_kernel_part() {
    random 40
    uml_job create name=merge "$(snapshot_table snapshot-merge "$chunk_sectors")"
    uml_job wait-merge name=merge keep=$((number * chunk_sectors))
    parts+=(${#uml_jobs[@]})
}

# Stopped politely, or killed, after its first cut, or after some writes to the origin.
step_our_part() {
    local signal=15 device=cow written=512
    random 2
    [ "$number" -eq 0 ] || signal=9
    random 2
    if [ "$number" -eq 1 ]; then
        device=origin
        random 20
        written=$(((number + 1) * chunk_sectors * 512))
    fi
    options=(--quiet --rate-limit $((chunk_sectors * 128))K --origin /dev/mapper/origin --cow /dev/mapper/cow)
    ours snapmerge kill-dev=/dev/mapper/$device kill-written=$written kill-signal=$signal \
        "output=$T/said.${#uml_jobs[@]}"
}

step_check() {
    options=(--quiet --origin /dev/mapper/origin /dev/mapper/cow)
    ours snapcheck "output=$T/said.${#uml_jobs[@]}"
}

# All of it, by us or by the kernel, then a store of another chunk size in its place.
step_whole() {
    random 2
    if [ "$number" -eq 0 ]; then
        options=(--quiet --origin /dev/mapper/origin --cow /dev/mapper/cow)
        ours snapmerge "output=$T/said.${#uml_jobs[@]}"
    else
        uml_job create name=merge "$(snapshot_table snapshot-merge "$chunk_sectors")"
        uml_job wait-merge name=merge
        uml_job remove name=merge
    fi
    uml_job cmp dev=/dev/mapper/origin "with=$view"
    random 3
    chunk_sectors=$((1 << number))
    # The old header is no empty device.
    uml_job copy "from=$T/empty" to=/dev/mapper/cow
    options=(--quiet --origin /dev/mapper/origin --cow /dev/mapper/cow --chunk-size ${chunk_sectors}s)
    ours snapcreate "output=$T/said.${#uml_jobs[@]}"
}

# sequence SEED STEPS
sequence() {
    local state=$1 number chunk_sectors step i view=view.$1
    random 3
    chunk_sectors=$((1 << number))
    new_image "$T/$view" 256K "$1"
    view=$T/$view
    slices_open "$view" "$T/empty"
    step_kernel_write "$1"0
    for ((i = 1; i <= $2; i++)); do
        random 11
        case $number in
        [0-2]) step_kernel_write "$1$i" ;;
        [3-5]) step_kernel_part ;;
        [6-8]) step_our_part ;;
        9) step_check ;;
        10) step_whole ;;
        esac
        view_is "$view"
    done
    step_check
    step_whole
    uml_job remove name=cow
    uml_job remove name=origin
}

@test "random sequences of kernel writes, merges by both, checks and new stores: the view is what was written" {
    local steps=() parts=() options words sequences=5 length=9 i word stopped=0 kernel_stopped=0 job program result
    if [ -n "${DMSNAP_LONG-}" ]; then
        sequences=60
        length=20
    fi
    new_image empty 1M
    for ((i = 1; i <= sequences; i++)); do
        sequence $((i * 7919)) $length
        # One boot takes a few hundred jobs per minute.
        if [ $((i % 10)) -eq 0 ] || [ $i -eq $sequences ]; then
            UML_TIMEOUT=1200 uml_go_slices
            for word in "${steps[@]}"; do
                read -r job program <<<"$word"
                result=$(uml_result "$job")
                case $program:$result in
                'snapmerge:ok exit 32' | 'snapmerge:ok signal 9') stopped=$((stopped + 1)) ;;
                *:'ok exit 0') ;;
                *)
                    echo "sequence ..$i job $job: $program: $result: ${uml_jobs[job - 1]}"
                    cat "$T/said.$((job - 1))"
                    return 1
                    ;;
                esac
            done
            for job in "${parts[@]}"; do
                [[ $(uml_status "$job") =~ ^([0-9]+)/[0-9]+\ ([0-9]+)$ ]]
                [ "${BASH_REMATCH[1]}" -eq "${BASH_REMATCH[2]}" ] || kernel_stopped=$((kernel_stopped + 1))
            done
            steps=()
            parts=()
            uml_begin
        fi
    done
    echo "# ours stopped on the way $stopped times, the kernel's $kernel_stopped times" >&3
    [ $stopped -ge $sequences ]
    [ $kernel_stopped -ge $((sequences / 2)) ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Several snapshots of one origin, and one of them merged: with `--preserve` the others stay as they were, with `--undo`
# the merge can be taken back; the kernel shows all views, and does the same merge for comparison.
#
# setup_file boots twice: once to have the kernel make the stores, once for all cases; each test judges one promise over
# all of them (promises.bash).

load lib.bash
load workloads.bash
load promises.bash

# NAME CHUNK_SECTORS...: of the snapshots; the first one is merged. Every origin ends inside a chunk.
FORKS=(
    'two 8 32'
    'large 128 8'
    'three 32 8 128'
)
ORIGIN_SECTORS=8189
COW_SECTORS=10240

# Where they are on the disk, in sectors: the three stores and the undo store.
AT_SECTORS=("$UML_COW_AT_SECTORS" $((80 << 11)) $((90 << 11)) $((100 << 11)))

# FORK CASE: what is done with it.
FORK_CASES=(
    'two plain' 'large plain' 'three plain'
    'three full'
    'two kill' 'three stop' 'large origin-error' 'two cow-error'
    'three undo' 'two undo-kill' 'large undo-stop'
)

# use FORK: chunk sizes[0] is of the merged one.
use() {
    local words
    for words in "${FORKS[@]}"; do
        [[ $words == "$1 "* ]] || continue
        read -r -a sizes <<<"${words#* }"
        name=$1
    done
}

setup_file() {
    local words name sizes case
    uml_setup_file || return 0
    truncate -s $((COW_SECTORS * 512)) "$S/zeros"
    for words in "${FORKS[@]}"; do
        use "${words%% *}"
        fork_make
    done
    uml_go_slices
    uml_begin
    for words in "${FORKS[@]}"; do
        use "${words%% *}"
        fork_facts
    done
    for words in "${FORK_CASES[@]}"; do
        read -r name case <<<"$words"
        use "$name"
        case=$name-$case
        devices_up
        "case_${case#*-}"
        devices_down
    done
    uml_go_slices
}

# ---- devices ------------------------------------------------------------------------------------

cow() {
    echo "/dev/mapper/cow$1"
}

devices_up() {
    local i
    uml_job create name=origin "table=0 $ORIGIN_SECTORS linear /dev/disk 0"
    for i in "${!sizes[@]}"; do
        uml_job create "name=cow$i" "table=0 $COW_SECTORS linear /dev/disk ${AT_SECTORS[i]}"
    done
    devices_load "$S/$name"
}

devices_down() {
    local i
    for i in "${!sizes[@]}"; do
        uml_job remove "name=cow$i"
    done
    uml_job remove name=origin
}

devices_load() {
    local i
    uml_job copy "from=$1.origin" to=/dev/mapper/origin
    for i in "${!sizes[@]}"; do
        uml_job copy "from=$1.cow$i" "to=$(cow $i)"
    done
}

devices_save() {
    local i
    uml_job copy from=/dev/mapper/origin "to=$1.origin"
    for i in "${!sizes[@]}"; do
        uml_job copy "from=$(cow $i)" "to=$1.cow$i"
    done
}

# snapshots_up I...: the kernel has these active, and what is written to /dev/mapper/base goes by them.
snapshots_up() {
    local i
    uml_job create name=base 'table=0 * snapshot-origin /dev/mapper/origin'
    for i; do
        uml_job create "name=snap$i" "table=0 * snapshot /dev/mapper/origin $(cow "$i") P ${sizes[i]}"
    done
}

snapshots_down() {
    local i
    for i; do
        uml_job remove "name=snap$i"
    done
    uml_job remove name=base
}

fork_make() {
    local i
    new_image "$S/$name.origin" $((ORIGIN_SECTORS * 512)) 1
    for i in "${!sizes[@]}"; do
        cp "$S/zeros" "$S/$name.cow$i"
    done
    devices_up
    snapshots_up "${!sizes[@]}"
    # The merged one has data everywhere and at the end; of the origin the first part is written. So the others have
    # some of what they will need, and some not.
    uml_job write-random dev=/dev/mapper/base seed=2 count=30 length=1200K
    uml_job write-random dev=/dev/mapper/snap0 seed=3 count=70
    uml_job write dev=/dev/mapper/snap0 seed=3 offset=8184s length=5s block=512
    for i in "${!sizes[@]}"; do
        uml_job write-random "dev=/dev/mapper/snap$i" seed=1$i count=25
    done
    uml_job write-random dev=/dev/mapper/base seed=4 count=30 length=1200K
    uml_job write dev=/dev/mapper/snap0 seed=5 offset=2M length=300K block=64K
    for i in "${!sizes[@]}"; do
        uml_job copy "from=/dev/mapper/snap$i" "to=$S/$name.view$i"
    done
    snapshots_down "${!sizes[@]}"
    devices_save "$S/$name"
    devices_down
}

# ---- what is done -------------------------------------------------------------------------------

# later_writes DEVICE SEED: as words, with the same content each time.
later_writes() {
    echo "write-random dev=$1 seed=$2 count=100"
}

fork_facts() {
    local i
    for i in "${!sizes[@]}"; do
        list_entries "$S/$name.cow$i" "${sizes[i]}" >"$S/$name.list$i"
        cp "$S/$name.view$i" "$S/$name.later$i"
        # shellcheck disable=SC2046 # words
        [ "$i" -eq 0 ] || uml_host $(later_writes "$S/$name.later$i" 2$i) >/dev/null
    done
    # shellcheck disable=SC2046 # words
    uml_host $(later_writes "$S/$name.later0" 20) >/dev/null
}

# our_merge PROMISE OPTION...: of the first one, for the others. With `during`, words for exec: it is ended on the way.
our_merge() {
    local i what=$1 preserve=()
    shift
    for i in "${!sizes[@]}"; do
        [ "$i" -eq 0 ] || preserve+=(--preserve "$(cow $i)")
    done
    our_run "$what" --origin /dev/mapper/origin --cow "$(cow 0)" "${preserve[@]}" "$@"
}

our_run() {
    local what=$1
    shift
    # shellcheck disable=SC2086 # a command with arguments
    uml_job_any exec "output=$S/$case.$what" "${during[@]}" -- ${WRAPPER:+/usr/bin/env $WRAPPER} \
        "$BUILDDIR/tools/snapmerge" --quiet "$@"
    promise "$what"
}

# views_are PROMISE I...: as the kernel shows them now.
views_are() {
    local i what=$1
    shift
    for i; do
        uml_job create name=snap "table=0 * snapshot /dev/mapper/origin $(cow "$i") P ${sizes[i]}"
        uml_job_any cmp dev=/dev/mapper/snap "with=$S/$name.view$i"
        promise "$what"
        uml_job remove name=snap
    done
}

origin_is() {
    uml_job_any cmp dev=/dev/mapper/origin "with=$1"
    promise "$2"
}

# The numbers of the others.
others() {
    seq 1 $((${#sizes[@]} - 1))
}

kernel_merges() {
    local i
    for i in $(others); do
        uml_job create "name=snap$i" "table=0 * snapshot /dev/mapper/origin $(cow "$i") P ${sizes[i]}"
    done
    uml_job create name=merge "table=0 * snapshot-merge /dev/mapper/origin $(cow 0) P ${sizes[0]}"
    uml_job wait-merge name=merge
    uml_job remove name=merge
    for i in $(others); do
        uml_job remove "name=snap$i"
    done
}

case_plain() {
    local i during=()
    our_merge merged
    origin_is "$S/$name.view0" merged-origin
    # shellcheck disable=SC2046 # numbers
    views_are preserved $(others)
    devices_save "$S/$case.ours"
    # The kernel goes on with all of them.
    # shellcheck disable=SC2046 # numbers
    snapshots_up $(others)
    for i in $(others); do
        # shellcheck disable=SC2046 # words
        uml_job $(later_writes "/dev/mapper/snap$i" 2$i)
    done
    # shellcheck disable=SC2046 # words
    uml_job $(later_writes /dev/mapper/base 20)
    # shellcheck disable=SC2046 # numbers
    snapshots_down $(others)
    for i in $(others); do
        uml_job create name=snap "table=0 * snapshot /dev/mapper/origin $(cow "$i") P ${sizes[i]}"
        uml_job_any cmp dev=/dev/mapper/snap "with=$S/$name.later$i"
        promise later
        uml_job remove name=snap
    done
    origin_is "$S/$name.later0" later
    # The same merge by the kernel.
    devices_load "$S/$name"
    kernel_merges
    origin_is "$S/$name.view0" kernel-merged
    # shellcheck disable=SC2046 # numbers
    views_are kernel-merged $(others)
    devices_save "$S/$case.kernel"
}

# The last one ends behind what it uses.
case_full() {
    local during=() full=$((${#sizes[@]} - 1)) sectors i
    sectors=$((sizes[full] * $(awk '$3 >= end { end = $3 + 1 } END { print end }' "$S/$name.list$full")))
    uml_job remove "name=cow$full"
    uml_job create "name=cow$full" "table=0 $sectors linear /dev/disk ${AT_SECTORS[full]}"
    our_merge refused
    our_merge refused --overflow=invalidate
    devices_save "$S/$case"
    # shellcheck disable=SC2046 # numbers
    views_are preserved $(seq 0 $full)
    our_merge invalidated --overflow=invalidate --yes
    origin_is "$S/$name.view0" merged-origin
    uml_job create name=snap "table=0 * snapshot /dev/mapper/origin $(cow $full) P ${sizes[full]}"
    uml_job_any status name=snap
    promise invalid
    uml_job remove name=snap
    # shellcheck disable=SC2046 # numbers
    views_are preserved $(seq 1 $((full - 1)))
}

# Ended on the way: all views are right; ours again and the kernel's both end as if nothing had happened.
go_on() {
    local during=()
    # shellcheck disable=SC2046 # numbers
    views_are interrupted $(seq 0 $((${#sizes[@]} - 1)))
    devices_save "$S/$case"
    our_merge merged
    origin_is "$S/$name.view0" merged-origin
    # shellcheck disable=SC2046 # numbers
    views_are preserved $(others)
    devices_load "$S/$case"
    kernel_merges
    origin_is "$S/$name.view0" merged-origin
    # shellcheck disable=SC2046 # numbers
    views_are preserved $(others)
}

SLOWLY=(--rate-limit 2M --checkpoint-interval 1)

case_kill() {
    local during=(kill-dev=/dev/mapper/origin kill-written=300K)
    our_merge stopped "${SLOWLY[@]}"
    go_on
}

case_stop() {
    local during=("kill-dev=$(cow 0)" kill-signal=15)
    our_merge stopped "${SLOWLY[@]}"
    go_on
}

# hole NAME AT_SECTORS FROM SECTORS LENGTH: the device again, with this range in error; mended makes it whole.
hole() {
    uml_job remove "name=$1"
    uml_job create "name=$1" "table=0 $3 linear /dev/disk $2;$3 $5 error;$(($3 + $5)) $(($4 - $3 - $5)) linear /dev/disk \
$(($2 + $3 + $5))"
}

mended() {
    uml_job remove "name=$1"
    uml_job create "name=$1" "table=0 $3 linear /dev/disk $2"
}

# The origin fails in the chunk of the first entry, which is merged last.
case_origin-error()
{
    local during=() old
    read -r _ old _ <"$S/$name.list0"
    hole origin 0 $((old * sizes[0])) $ORIGIN_SECTORS 8
    our_merge failed "${SLOWLY[@]}"
    mended origin 0 $ORIGIN_SECTORS
    go_on
}

# The last store fails, some chunks behind what it uses.
case_cow-error()
{
    local during=() last=$((${#sizes[@]} - 1)) new
    new=$(awk '$3 > last { last = $3 } END { print last + 4 }' "$S/$name.list$last")
    hole "cow$last" "${AT_SECTORS[last]}" $((new * sizes[last])) $COW_SECTORS 8
    our_merge failed "${SLOWLY[@]}"
    mended "cow$last" "${AT_SECTORS[last]}" $COW_SECTORS
    go_on
}

undo_up() {
    uml_job create name=undo "table=0 $COW_SECTORS linear /dev/disk ${AT_SECTORS[3]}"
    uml_job copy "from=$S/zeros" to=/dev/mapper/undo
}

undo_shows_before() {
    uml_job create name=snap "table=0 * snapshot /dev/mapper/origin /dev/mapper/undo P ${sizes[0]}"
    uml_job_any cmp dev=/dev/mapper/snap "with=$S/$name.origin"
    promise undo-view
    uml_job remove name=snap
}

take_back() {
    local during=() i preserve=()
    for i in "${!sizes[@]}"; do
        preserve+=(--preserve "$(cow $i)")
    done
    our_run taken-back --origin /dev/mapper/origin --cow /dev/mapper/undo "${preserve[@]}"
    origin_is "$S/$name.origin" back
    views_are back "${!sizes[@]}"
}

case_undo() {
    local during=()
    undo_up
    our_merge merged --undo /dev/mapper/undo
    origin_is "$S/$name.view0" merged-origin
    # shellcheck disable=SC2046 # numbers
    views_are preserved $(others)
    undo_shows_before
    take_back
    uml_job remove name=undo
}

# Ended on the way: taken back from there; and gone on with, then taken back.
undo_interrupted() {
    undo_up
    our_merge stopped --undo /dev/mapper/undo "${SLOWLY[@]}"
    during=()
    # shellcheck disable=SC2046 # numbers
    views_are interrupted $(seq 0 $((${#sizes[@]} - 1)))
    undo_shows_before
    devices_save "$S/$case"
    uml_job copy from=/dev/mapper/undo "to=$S/$case.undo"
    take_back
    devices_load "$S/$case"
    uml_job copy "from=$S/$case.undo" to=/dev/mapper/undo
    our_merge merged --undo /dev/mapper/undo
    origin_is "$S/$name.view0" merged-origin
    undo_shows_before
    take_back
    uml_job remove name=undo
}

case_undo-kill()
{
    local during=(kill-dev=/dev/mapper/origin kill-written=300K)
    undo_interrupted
}

case_undo-stop()
{
    # The first sector is the mark in the header, the next one the first cut.
    local during=("kill-dev=$(cow 0)" kill-written=4s kill-signal=15)
    undo_interrupted
}

# ---- what is promised ---------------------------------------------------------------------------

has_exit_0() {
    [ "$result" = 'ok exit 0' ]
}

@test "one snapshot is merged, and the kernel shows the others as before, byte for byte" {
    judge merged has_exit_0
    [ $judged -ge 10 ]
    judge merged-origin is_equal
    [ $judged -ge 10 ]
    judge preserved is_equal
    [ $judged -ge 15 ]
}

same_as_kernel() {
    local i kind
    for i in $(others); do
        for kind in ours kernel; do
            list_entries "$S/$case.$kind.cow$i" "${sizes[i]}" | cut -d ' ' -f 2 | sort -n >"$kind"
        done
        cmp ours kernel || return 1
        [ "$(wc -l <ours)" -gt "$(wc -l <"$S/$name.list$i")" ] || return 1
    done
}

each_plain() {
    local words name sizes case
    for words in "${FORK_CASES[@]}"; do
        [[ $words == *' plain' ]] || continue
        use "${words% *}"
        case=$name-plain
        "$1" || { echo "$case"; return 1; }
    done
}

@test "the kernel's merge with the others active leaves the same views, and entries for the same chunks" {
    judge kernel-merged is_equal
    [ $judged -ge 7 ]
    each_plain same_as_kernel
}

@test "the kernel goes on writing, to the others and to the origin below them, and reads it all back after a reload" {
    judge later is_equal
    [ $judged -ge 7 ]
}

was_refused() {
    [ "$result" = 'ok exit 8' ] && grep -q '^snapmerge: .*has.* room for ' "$S/$case.refused" &&
        grep -q '^Nothing was written\.$' "$S/$case.refused"
}

nothing_written() {
    local i
    cmp "$S/$case.origin" "$S/$name.origin" || return 1
    for i in "${!sizes[@]}"; do
        cmp -n "$(stat -c %s "$S/$case.cow$i")" "$S/$case.cow$i" "$S/$name.cow$i" || return 1
    done
}

@test "a store without room: refused, also without a yes, and nothing is written" {
    judge refused was_refused
    [ $judged -eq 2 ]
    judge refused nothing_written
}

is_invalid() {
    [[ $result == 'ok '*' snapshot Invalid' ]]
}

@test "--overflow=invalidate: the kernel says Invalid of that one, the others are as before" {
    judge invalidated has_exit_0
    [ $judged -eq 1 ]
    judge invalid is_invalid
    [ $judged -eq 1 ]
}

# Else this test has not tried what its name says. What ends it after a cut has shortened the list.
in_the_middle() {
    local left
    left=$(list_entries "$S/$case.cow0" "${sizes[0]}" | wc -l)
    [ "$left" -gt 0 ] || return 1
    case $case in
    *-stop | *-undo-stop | *-origin-error) [ "$left" -lt "$(wc -l <"$S/$name.list0")" ] || return 1 ;;
    esac
    run -1 cmp -s "$S/$case.origin" "$S/$name.origin"
}

was_stopped() {
    { [ "$result" = 'ok signal 9' ] || [ "$result" = 'ok exit 32' ]; } && in_the_middle
}

has_failed() {
    # The bad chunk of another store may be met in the first window already: then nothing is merged yet.
    [ "$result" = 'ok exit 8' ] && grep -qi 'input/output error' "$S/$case.failed" &&
        { [[ $case == *cow-error ]] || in_the_middle; }
}

@test "ended on the way, by signals and errors: the kernel shows all snapshots as before" {
    judge stopped was_stopped
    [ $judged -eq 4 ]
    judge failed has_failed
    [ $judged -eq 2 ]
    judge interrupted is_equal
    [ $judged -ge 8 ]
}

@test "the undo store is, to the kernel, a snapshot of the state before the merge; on the way and at its end" {
    judge undo-view is_equal
    [ $judged -eq 5 ]
}

@test "the merge is taken back: the origin is as before, and the kernel shows all snapshots as before" {
    judge taken-back has_exit_0
    [ $judged -eq 5 ]
    judge back is_equal
    [ $judged -eq 16 ]
}

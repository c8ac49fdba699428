#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Bad sectors under `snapmerge --continue-on-error`: what remains is a store that the kernel reads, writes and merges.
#
# setup_file boots twice: once to have the kernel make the stores, once for all cases; each test judges one promise over
# all of them (promises.bash).

load lib.bash
load workloads.bash
load promises.bash

# Random places, then neighbours for more than an area, then random places, so that the first and the last entry of
# the list are not those of the origin; in c8 the last one is the origin's last, partial chunk.
BAD_STORES=(
    'c1   1  2048  2200  0|write-random dev=@ count=40 block=512 seed=3|write dev=@ offset=256K length=60K block=512 seed=2|write-random dev=@ count=70 block=512 seed=4'
    'c8   8  8189  8400  0|write-random dev=@ count=50 seed=3|write dev=@ offset=1M length=1400K block=64K seed=2|write-random dev=@ count=150 seed=4|write dev=@ offset=8184s length=5s block=512 seed=5'
    'c32 32 40960 47000  0|write-random dev=@ count=30 block=16K seed=3|write dev=@ offset=1M length=16640K block=64K seed=2|write-random dev=@ count=40 block=16K seed=4'
)

# STORE NAME OPTIONS|BAD ENTRIES ON THE COW|ON THE ORIGIN. Entries are indices of the list; `last` is the last one. The
# options: dust or error, what the COW's bad sectors are made of; small, a merge in small windows; drop, also with
# --drop-bad; log, also with a log underneath.
BAD_CASES=(
    'c1 scattered  dust,small,drop    |0 3 22 31 32 40 58 59 63 64 65 90 127 128 last|'
    'c1 run        error,small,long   |45-130|'
    'c1 everything error,long         |0-last|'
    'c1 origin     dust,small,drop    ||0 31 32 45-130 last'
    'c1 both       dust,small,log     |0 31 32 50 70-75 99 last|1 33 50 72-80 100 last'
    'c8 scattered  dust,small,long    |0 3 40 99 177 255 256 300 301 380 477 last|'
    'c8 run        error,small,log    |70-340|'
    'c8 origin     dust,small,long    ||70-340'
    'c8 both       dust,small,drop    |0 60 255 256 257 400-420 last|1 61 256 410-430 490 last'
    'c32 both      error,small,drop   |0 40-1064 last|5 610 1000-1023 1070'
)
if [ -z "${DMSNAP_LONG-}" ]; then
    for i in "${!BAD_CASES[@]}"; do
        [[ ${BAD_CASES[i]} != *,long* ]] || unset "BAD_CASES[i]"
    done
fi

setup_file() {
    local words name chunk_sectors origin_sectors cow_sectors window jobs
    uml_setup_file || return 0
    for words in "${BAD_STORES[@]}"; do
        workload "$words"
        workload_make "$S"
    done
    uml_go_slices
    uml_begin
    for words in "${BAD_STORES[@]}"; do
        workload "$words"
        store_facts
    done
    for words in "${BAD_CASES[@]}"; do
        bad_case "$words"
    done
    uml_go_slices
}

# What the kernel will write to a snapshot later on, to one whose view is the store's.
later_writes() {
    echo "count=300 seed=9 block=$((chunk_sectors < 8 ? 512 : 4096))"
}

store_facts() {
    list_entries "$S/$name.cow" "$chunk_sectors" >"$S/$name.list"
    cp "$S/$name.view" "$S/$name.later"
    # shellcheck disable=SC2046 # words
    uml_host write-random "dev=$S/$name.later" $(later_writes) >/dev/null
}

# use STORE: the pair for what follows.
use() {
    local words
    for words in "${BAD_STORES[@]}"; do
        [[ $words != "$1 "* ]] || workload "$words"
    done
}

# pick INDEX|FROM-TO...: these lines of the store's list.
pick() {
    local word last
    last=$(($(wc -l <"$S/$name.list") - 1))
    for word in "${@//last/$last}"; do
        seq "${word%-*}" "${word#*-}"
    done | awk 'FILENAME == "-" { wanted[$1]; next } $1 in wanted' - "$S/$name.list"
}

# ranges: FIRST COUNT for ascending numbers.
ranges() {
    awk 'count && $1 == first + count { count++; next } count { print first, count } { first = $1; count = 1 }
         END { if (count) print first, count }'
}

# holes DEVICE SECTORS: a table with these chunks in error, out of ascending numbers.
holes() {
    ranges | awk -v device="$1" -v end="$2" -v chunk="$chunk_sectors" -v at=0 '
        function part(from, to, target) {
            if (from < to)
                line = line (line ? ";" : "") from " " to - from " " target (target == "linear" ? " " device " " from : "")
        }
        { from = $1 * chunk; to = from + $2 * chunk; if (to > end) to = end }
        { part(at, from, "linear"); part(from, to, "error"); at = to }
        END { part(at, end, "linear"); print line }'
}

# column N FILE...: numbers, ascending, once each.
column() {
    local n=$1
    shift
    awk -v n="$n" '{ print $n }' "$@" | sort -n -u
}

# What must come out: the bad list, what the kernel cannot read, and an origin with old content in the bad chunks only.
case_facts() {
    local first count chunk_bytes=$((chunk_sectors * 512))
    awk -v chunk=$chunk_bytes -v end=$((origin_sectors * 512)) '
        $1 in seen { next }
        { seen[$1]; from = $2 * chunk; print from, end - from < chunk ? end - from : chunk, $3 * chunk, reason }
        ' reason=unreadable "$S/$case.bad-cow" reason=unwritable "$S/$case.bad-origin" | sort -n >"$S/$case.bad-list"
    column 2 "$S/$case.bad-cow" | ranges |
        awk 'BEGIN { printf "ok equal, unreadable:" } { printf " %s", $1 } $2 > 1 { printf "-%s", $1 + $2 - 1 }
             END { print "" }' >"$S/$case.unreadable"
    cp "$S/$name.view" "$S/$case.mixed"
    while read -r first count; do
        dd "if=$S/$name.origin" "of=$S/$case.mixed" bs=$chunk_bytes skip="$first" seek="$first" count="$count" \
            conv=notrunc status=none
    done < <(column 2 "$S/$case.bad-cow" "$S/$case.bad-origin" | ranges)
}

# The devices that are to be used are in bad_origin and bad_cow from here on.
faults_on() {
    local room sector index old new
    bad_origin=/dev/mapper/origin bad_cow=/dev/mapper/cow
    if [ -s "$S/$case.bad-origin" ]; then
        uml_job create name=bad-origin \
            "table=$(column 2 "$S/$case.bad-origin" | holes /dev/mapper/origin "$origin_sectors")"
        bad_origin=/dev/mapper/bad-origin
    fi
    [ -s "$S/$case.bad-cow" ] || return 0
    bad_cow=/dev/mapper/bad-cow
    if [[ ,$options, == *,error,* ]]; then
        uml_job create name=bad-cow "table=$(column 3 "$S/$case.bad-cow" | holes /dev/mapper/cow "$cow_sectors")"
        return
    fi
    uml_job create name=bad-cow "table=0 $cow_sectors dust /dev/mapper/cow 0 512"
    while read -r index old new; do
        # Any sector of the chunk that the origin has, too.
        room=$((origin_sectors - old * chunk_sectors))
        sector=$((new * chunk_sectors + index * 5 % (room < chunk_sectors ? room : chunk_sectors)))
        uml_job message name=bad-cow "text=addbadblock $sector"
    done <"$S/$case.bad-cow"
    uml_job message name=bad-cow text=enable
}

faults_off() {
    [ $bad_origin = /dev/mapper/origin ] || uml_job remove name=bad-origin
    [ $bad_cow = /dev/mapper/cow ] || uml_job remove name=bad-cow
}

# our_merge NAME OPTION...: past bad sectors; its exit status is the promise.
our_merge() {
    local what=$1
    shift
    [[ ,$options, != *,small,* ]] || set -- "$@" --rate-limit 1G
    # shellcheck disable=SC2086 # a command with arguments
    uml_job_any exec "output=${T-$S}/$case.$what" -- ${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/snapmerge" --quiet \
        --continue-on-error --bad-list "${T-$S}/$case.$what-list" "$@" --origin $bad_origin --cow $bad_cow
    promise "$what"
}

# view_is FILE PROMISE [OPTION]: what the kernel shows, on the devices as they are now.
view_is() {
    uml_job create name=snap "table=0 * snapshot $bad_origin $bad_cow P $chunk_sectors"
    uml_job_any cmp dev=/dev/mapper/snap "with=$1" ${3+"$3"}
    promise "$2"
    uml_job remove name=snap
}

# The kernel may stop where entries stand twice in the list; loaded again, it goes on.
kernel_merges() {
    local round
    for ((round = ${1-1}; round > 0; round--)); do
        uml_job create name=merge "$(snapshot_table snapshot-merge "$chunk_sectors")"
        if [ $round -gt 1 ]; then
            uml_job_any wait-merge name=merge
        else
            uml_job wait-merge name=merge
        fi
        uml_job remove name=merge
    done
}

load_pair() {
    uml_job copy "from=$1.origin" to=/dev/mapper/origin
    uml_job copy "from=$1.cow" to=/dev/mapper/cow
}

save_pair() {
    uml_job copy from=/dev/mapper/origin "to=$1.origin"
    uml_job copy from=/dev/mapper/cow "to=$1.cow"
}

bad_case() {
    local words=$1 case options on_cow on_origin bad_origin bad_cow around
    IFS='|' read -r words on_cow on_origin <<<"$words"
    read -r name case options <<<"$words"
    use "$name"
    case=$name-$case
    around=around=$((chunk_sectors * 512))
    # shellcheck disable=SC2086 # words
    pick $on_cow >"$S/$case.bad-cow"
    # shellcheck disable=SC2086 # words
    pick $on_origin >"$S/$case.bad-origin"
    case_facts
    echo "$case $name $options" >>"$S/cases"

    slices_open "$S/$name.origin" "$S/$name.cow"
    faults_on
    our_merge past
    save_pair "$S/$case"
    view_is "$S/$name.view" view-with-faults "$around"
    uml_job create name=merge "table=0 * snapshot-merge $bad_origin $bad_cow P $chunk_sectors"
    uml_job_any wait-merge name=merge timeout=20000
    promise kernel-fails
    uml_job remove name=merge
    view_is "$S/$name.view" view-with-faults "$around"
    faults_off

    bad_origin=/dev/mapper/origin bad_cow=/dev/mapper/cow
    uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
    uml_job_any cmp dev=/dev/mapper/snap "with=$S/$name.view"
    promise view
    # shellcheck disable=SC2046 # words
    uml_job write-random dev=/dev/mapper/snap $(later_writes)
    uml_job remove name=snap
    view_is "$S/$name.later" later
    uml_job copy from=/dev/mapper/cow "to=$S/$case.later-cow"
    kernel_merges
    uml_job_any cmp dev=/dev/mapper/origin "with=$S/$name.later"
    promise later

    load_pair "$S/$case"
    kernel_merges
    uml_job_any cmp dev=/dev/mapper/origin "with=$S/$name.view"
    promise kernel-merges

    if [[ ,$options, == *,drop,* ]]; then
        load_pair "$S/$name"
        faults_on
        our_merge drop --drop-bad
        faults_off
        bad_origin=/dev/mapper/origin bad_cow=/dev/mapper/cow
        view_is /dev/mapper/origin dropped
        save_pair "$S/$case.drop"
    fi
    if [[ ,$options, == *,log,* ]]; then
        load_pair "$S/$name"
        uml_job remove name=cow
        uml_job remove name=origin
        logged_begin
        faults_on
        our_merge logged
        faults_off
        logged_end "$S/$case.log"
    else
        uml_job remove name=cow
        uml_job remove name=origin
    fi
}

each_case() {
    local case name options chunk_sectors origin_sectors cow_sectors window jobs
    while read -r case name options; do
        use "$name"
        "$1" || { echo "$case"; return 1; }
    done <"$S/cases"
}

is_incomplete() {
    local count
    count=$(wc -l <"$S/$case.bad-list")
    [ "$result" = 'ok exit 4' ] && grep -q "^snapmerge: $count chunks remain in " "$S/$case.past"
}

right_list() {
    cmp <(grep -v '^#' "$S/$case.past-list") "$S/$case.bad-list"
}

@test "a merge past bad sectors ends with status 4, says how many chunks remain, and lists exactly the bad ones" {
    judge past is_incomplete
    [ $judged -eq ${#BAD_CASES[@]} ]
    each_case right_list
}

bad_ones_remain() {
    cmp "$S/$case.origin" "$S/$case.mixed" &&
        cmp <(list_entries "$S/$case.cow" "$chunk_sectors" | awk '{ print $2, $3 }' | sort) \
            <(awk '{ print $2, $3 }' "$S/$case.bad-cow" "$S/$case.bad-origin" | sort -u)
}

@test "all other chunks are on the origin, which is old where a chunk is bad; the store has entries for these only" {
    each_case bad_ones_remain
}

right_hole() {
    [ "$result" = "$(cat "$S/$case.unreadable")" ]
}

@test "while the sectors are bad the kernel reads every chunk but the unreadable ones, also after it tried to merge" {
    judge view-with-faults right_hole
    [ $judged -eq $((2 * ${#BAD_CASES[@]})) ]
}

has_failed() {
    [[ $result == 'error 5 merge: '*' snapshot-merge Merge failed: '* ]]
}

@test "while the sectors are bad the kernel cannot merge any more than we could" {
    judge kernel-fails has_failed
    [ $judged -eq ${#BAD_CASES[@]} ]
}

@test "when the sectors can be read and written again, the kernel shows the snapshot as it was before" {
    judge view is_equal
    [ $judged -eq ${#BAD_CASES[@]} ]
}

# What the kernel has added stands behind all that is used: as it works it out for a list in any order.
goes_on_behind() {
    list_entries "$S/$case.cow" "$chunk_sectors" >"$T/before"
    list_entries "$S/$case.later-cow" "$chunk_sectors" >"$T/later"
    cmp -n "$(stat -c %s "$T/before")" "$T/before" "$T/later" &&
        awk -v stride=$((chunk_sectors * 32 + 1)) '
            FILENAME == ARGV[1] { n = FNR; if ($3 >= free) free = $3 + 1; next }
            free % stride == 1 { free++ }
            FNR > n && $3 != free++ { print "the new entry " $0 " should have " free - 1; exit 1 }
            FNR > n { added++ }
            END { if (added < 20) exit 1 }' "$T/before" "$T/later"
}

@test "then it writes to the snapshot behind what is used, reads that back after a reload, and merges it right" {
    judge later is_equal
    [ $judged -eq $((2 * ${#BAD_CASES[@]})) ]
    each_case goes_on_behind
}

@test "the kernel's own merge of what remains ends with the snapshot on the origin" {
    judge kernel-merges is_equal
    [ $judged -eq ${#BAD_CASES[@]} ]
}

merges_again() {
    cp "$S/$case.origin" origin
    cp "$S/$case.cow" cow
    tool snapcheck --quiet --origin origin cow >said 2>&1 &&
        tool snapmerge --quiet --continue-on-error --bad-list list --origin origin --cow cow >>said 2>&1 ||
        { cat said; return 1; }
    cmp origin "$S/$name.view" && [ "$(count_entries cow "$chunk_sectors")" -eq 0 ] && ! grep -v '^#' list
}

@test "what remains is a sound store; the same command again ends with the snapshot on the origin, and an empty list" {
    each_case merges_again
}

gives_up() {
    local count
    count=$(wc -l <"$S/$case.bad-list")
    [ "$result" = 'ok exit 4' ] && grep -q "^snapmerge: $count chunks were given up" "$S/$case.drop" &&
        cmp <(grep -v '^#' "$S/$case.drop-list") "$S/$case.bad-list" &&
        cmp "$S/$case.drop.origin" "$S/$case.mixed" && [ "$(count_entries "$S/$case.drop.cow" "$chunk_sectors")" -eq 0 ]
}

@test "--drop-bad: the list is empty, the kernel's snapshot equals the origin, which is old in the bad chunks only" {
    judge drop gives_up
    [ $judged -ge 4 ]
    judge dropped is_equal
    [ $judged -ge 4 ]
}

# The states of the log in which entries occur twice, each list once: their numbers are in `moving`, the pairs at $T/CASE.N.
moving_states() {
    local n list seen=:
    log_states "$S/$case.log" "$S/$name" "$T/$case" 0 commits >"$T/$case.states"
    moving=()
    while read -r n _; do
        [ "$n" != log ] || continue
        list=$(list_entries "$T/$case.$n.cow" "$chunk_sectors" |
            awk '$2 in seen { repeated = 1 } { seen[$2]; all = all " " $2 } END { if (repeated) print all }' | cksum)
        if [[ $list != *' 0' ]] && [[ $seen != *":$list:"* ]]; then
            moving+=("$n")
            seen+=$list:
        else
            rm "$T/$case.$n.origin" "$T/$case.$n.cow"
        fi
    done <"$T/$case.states"
}

# In each: the kernel's view; ours again, with the bad sectors and without; the kernel's merge.
interrupted_case() {
    [[ ,$options, == *,log,* ]] || return 0
    local n moving bad_origin=/dev/mapper/origin bad_cow=/dev/mapper/cow
    moving_states
    [ ${#moving[@]} -ge 2 ]
    if [ -z "${DMSNAP_LONG-}" ]; then
        moving=("${moving[0]}" "${moving[${#moving[@]} / 2]}" "${moving[-1]}")
    fi
    for n in "${moving[@]}"; do
        states=$((states + 1))
        slices_open "$T/$case.$n.origin" "$T/$case.$n.cow"
        uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
        uml_job cmp dev=/dev/mapper/snap "with=$S/$name.view"
        uml_job remove name=snap
        kernel_merges 6
        uml_job cmp dev=/dev/mapper/origin "with=$S/$name.view"

        load_pair "$T/$case.$n"
        faults_on
        our_merge "again.$n"
        agains+=("${#uml_jobs[@]}")
        faults_off
        slices_close "$T/$case.$n.now.origin" "$T/$case.$n.now.cow"

        cp "$T/$case.$n.origin" origin
        cp "$T/$case.$n.cow" cow
        tool snapmerge --quiet --origin origin --cow cow >said 2>&1 || { cat said && return 1; }
        cmp origin "$S/$name.view"
        assert_equal "$(count_entries cow "$chunk_sectors")" 0
    done
}

as_if_in_one_go() {
    local n
    for n in "$T/$case".*.now.cow; do
        [ -f "$n" ] || continue
        cmp "${n%.cow}.origin" "$S/$case.mixed" || return 1
        cmp <(list_entries "$n" "$chunk_sectors" | cut -d ' ' -f 2,3 | sort) \
            <(list_entries "$S/$case.cow" "$chunk_sectors" | cut -d ' ' -f 2,3 | sort) || return 1
        ended=$((ended + 1))
    done
}

@test "interrupted while bad entries are moved: the view is right, the kernel and ours again end as in one go" {
    local agains=() states=0 ended=0 job
    uml_begin
    each_case interrupted_case
    uml_go_slices
    for job in "${agains[@]}"; do
        assert_equal "$(uml_result "$job")" 'ok exit 4'
    done
    each_case as_if_in_one_go
    assert_equal $ended $states
    [ $states -ge 6 ]
}

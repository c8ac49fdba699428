#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Handover at every commit point: the kernel takes each state that our merge may leave, and we each one of its.
# DMSNAP_LONG=1: all states, at every write, instead of a selection.

load lib.bash
load workloads.bash

# Per workload: how many states, and of which kind.
if [ -n "${DMSNAP_LONG-}" ]; then
    MAX=0 KIND=all
else
    MAX=5 KIND=commits
fi

setup_file() {
    local words name chunk_sectors origin_sectors cow_sectors window jobs
    uml_setup_file || return 0
    for words in "${WORKLOADS[@]}"; do
        workload "$words"
        workload_make "$S"
        # The kernel merges it, with a log.
        logged_begin
        uml_job create name=merge "$(snapshot_table snapshot-merge "$chunk_sectors")"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        uml_job cmp dev=/dev/mapper/origin "with=$S/$name.view"
        logged_end "$S/$name.kernel"
        # And our binary does. The limit is for small windows; it is too high to wait for.
        slices_open "$S/$name.origin" "$S/$name.cow"
        uml_job remove name=cow
        uml_job remove name=origin
        logged_begin
        # shellcheck disable=SC2086 # a command with arguments
        uml_job exec "output=$S/$name.said" -- ${WRAPPER:+/usr/bin/env $WRAPPER} "$BUILDDIR/tools/snapmerge" --json --quiet \
            --rate-limit 1G --origin /dev/mapper/origin --cow /dev/mapper/cow
        uml_job cmp dev=/dev/mapper/origin "with=$S/$name.view"
        logged_end "$S/$name.ours"
    done
    uml_go_slices
}

setup() {
    uml_setup
    total=0
}

teardown() {
    # A thousand pairs are not kept for the other tests.
    [ -z "${T-}" ] || rm -f "$T"/*.origin "$T"/*.cow
}

# kernel_takes PREFIX LIST: jobs in which the kernel loads each state of the list: first as snapshot, whose view must be
# the original one, then to merge it, which must end with the view in the origin.
kernel_takes() {
    local n
    uml_job create name=origin "table=0 $origin_sectors linear /dev/disk 0"
    uml_job create name=cow "table=0 $cow_sectors linear /dev/disk $UML_COW_AT_SECTORS"
    while read -r n _; do
        uml_job copy "from=$1.$n.origin" to=/dev/mapper/origin
        uml_job copy "from=$1.$n.cow" to=/dev/mapper/cow
        uml_job create name=snap "$(snapshot_table snapshot "$chunk_sectors")"
        uml_job cmp dev=/dev/mapper/snap "with=$S/$name.view"
        uml_job remove name=snap
        uml_job create name=merge "$(snapshot_table snapshot-merge "$chunk_sectors")"
        uml_job wait-merge name=merge
        uml_job remove name=merge
        uml_job cmp dev=/dev/mapper/origin "with=$S/$name.view"
        total=$((total + 1))
    done <"$2"
    uml_job remove name=cow
    uml_job remove name=origin
}

# One boot for all, or in the long form one for each workload.
boot_when_due() {
    [ ${#uml_jobs[@]} -gt 0 ] || return 0
    [ "$1" = end ] || [ $MAX -eq 0 ] || return 0
    UML_TIMEOUT=1200 uml_go_slices
    uml_begin
    rm -f "$T"/*.origin "$T"/*.cow
}

@test "the kernel takes the store at every commit point of our merge: same view, and it merges the rest" {
    local words name chunk_sectors origin_sectors cow_sectors window jobs workloads=0 entries list
    for words in "${WORKLOADS[@]}"; do
        workload "$words"
        [ "$window" -ne 0 ] || continue
        for entries in "$window" ${DMSNAP_LONG:+2}; do
            list=$name.$entries
            "$BUILDDIR/tests/kernel/merge-states" "$S/$name.origin" "$S/$name.cow" "$entries" "$T/$list" $MAX $KIND \
                >"$list"
            # The merge is complete in the last one, and has not begun in the first.
            cmp "$list.$(wc -l <"$list").origin" "$S/$name.view"
            cmp "$list.1.cow" "$S/$name.cow"
            kernel_takes "$T/$list" "$list"
        done
        workloads=$((workloads + 1))
        boot_when_due more
    done
    boot_when_due end
    echo "# $total states of $workloads workloads" >&3
    [ $workloads -ge 12 ]
    if [ $MAX -eq 0 ]; then
        [ $total -ge 1000 ]
    else
        [ $total -ge 60 ]
    fi
}

@test "the kernel takes what our binary leaves at every flush, as dm-log-writes has seen it" {
    local words name chunk_sectors origin_sectors cow_sectors window jobs max=3
    [ $MAX -ne 0 ] || max=0
    for words in "${WORKLOADS[@]}"; do
        workload "$words"
        log_states "$S/$name.ours" "$S/$name" "$T/$name" $max $KIND >"$name.all"
        grep -v '^log ' "$name.all" >"$name.list"
        cmp "$name.$(wc -l <"$name.list").origin" "$S/$name.view"
        kernel_takes "$T/$name" "$name.list"
        boot_when_due more
    done
    boot_when_due end
    echo "# $total states" >&3
    [ $total -ge 35 ]
}

@test "we finish what the kernel's merge leaves at every commit point" {
    local words name chunk_sectors origin_sectors cow_sectors window jobs n max=5 middle=0 left all
    [ $MAX -ne 0 ] || max=0
    for words in "${WORKLOADS[@]}"; do
        workload "$words"
        log_states "$S/$name.kernel" "$S/$name" "$T/$name" $max $KIND >"$name.all"
        grep -v '^log ' "$name.all" >"$name.list"
        all=$(count_entries "$S/$name.cow" "$chunk_sectors")
        while read -r n _; do
            left=$(count_entries "$name.$n.cow" "$chunk_sectors")
            [ "$left" -eq 0 ] || [ "$left" -eq "$all" ] || middle=$((middle + 1))
            tool snapmerge --quiet --origin "$name.$n.origin" --cow "$name.$n.cow" >said 2>&1 ||
                { echo "$name $n" && cat said && return 1; }
            cmp "$name.$n.origin" "$S/$name.view"
            assert_equal "$(count_entries "$name.$n.cow" "$chunk_sectors")" 0
            total=$((total + 1))
            rm "$name.$n.origin" "$name.$n.cow"
        done <"$name.list"
    done
    echo "# $total states, $middle in the middle" >&3
    if [ $MAX -eq 0 ]; then
        [ $total -ge 1000 ]
    else
        [ $total -ge 60 ]
    fi
    [ $middle -ge $((total / 2)) ]
}

# What may not happen, in the log of one merge; the last line has the figures.
ORDER='
$1 != "log" { next }
$2 == "origin" && $3 == "write" {
    if (pending) { print "the next window before the flush of the last cut: " $0; exit }
    dirty = 1
    written += $5
}
$2 == "origin" && $3 == "flush" { dirty = 0; fresh = 1; origin_flushes++ }
$2 == "cow" && $3 == "flush" { pending = 0; cow_flushes++ }
$2 == "cow" && $3 == "write" {
    if (dirty) { print "a cut before the flush of what it is about: " $0; exit }
    if (!origin_flushes) { print "a cut with no flush of the origin before it: " $0; exit }
    if (!cow_flushes) { print "a cut before the flush of the earlier list: " $0; exit }
    # Behind the cut come areas that it has hidden: their order does not matter.
    pending += fresh
    fresh = 0
    metadata += $5
}
END {
    if (dirty) print "written and never flushed"
    print "end " written " " origin_flushes " " cow_flushes " " metadata
}'

@test "our merge flushes where it says: the origin before each cut, the cut before the next, and no more than that" {
    local words name chunk_sectors origin_sectors cow_sectors window jobs json
    for words in "${WORKLOADS[@]}"; do
        workload "$words"
        log_states "$S/$name.ours" "$S/$name" "$T/$name" 1 commits >"$name.all"
        json=$S/$name.said
        run -0 awk "$ORDER" "$name.all"
        assert_output "end $(figure written_bytes <"$json") $(figure origin_flushes <"$json") \
$(figure cow_flushes <"$json") $(figure metadata_bytes <"$json")"
    done
}

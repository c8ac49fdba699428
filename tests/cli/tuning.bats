#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The tuning of snapmerge: each option reaches what it is about, and the result is the same.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load pairs
    load system_calls
    in_folder
    pid=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
}

pair() {
    shaped_pair random 8 1200 $((8 * 2000))
}

assert_merged() {
    assert_status 0
    cmp origin view
    assert_equal "$(walk cow figures | cut -d' ' -f1)" 0
}

# --- engines -----------------------------------------------------------------------------------
@test "--io-engine threads makes plain calls and no ring; io_uring makes a ring of --queue-depth and no plain writes" {
    need_strace
    pair
    traced -e trace=io_uring_setup,io_uring_enter,pwritev,pwritev2 -- \
        snapmerge --io-engine threads --origin origin --cow cow
    assert_merged
    assert_equal "$(grep -c 'io_uring' trace)" 0
    [ "$(traced_count pwritev origin)" -gt 100 ]
    cp cow.before cow
    cp origin.before origin
    traced -e trace=io_uring_setup,io_uring_enter,pwritev,pwritev2 -- \
        snapmerge --io-engine io_uring --queue-depth 16 --origin origin --cow cow
    if [ "$status" -eq 8 ] && [[ $stderr == *"io_uring is"* ]]; then
        assert_said "Nothing was written."
        skip "no io_uring here"
    fi
    assert_merged
    # One for each device.
    assert_equal "$(grep -c 'io_uring_setup(16,' trace)" 2
    assert_equal "$(traced_count pwritev origin)" 0
}

@test "--queue-depth is the number of requests in flight: threads" {
    need_strace
    pair
    local depth most
    for depth in 1 5; do
        cp cow.before cow
        cp origin.before origin
        traced -e trace=pwritev -P "$dir/origin" -- \
            snapmerge --io-engine threads --queue-depth $depth --origin "$dir/origin" --cow cow
        assert_merged
        most=$(sed -nE 's/^([0-9]+) +pwritev\(.*/\1/p' trace | sort -u | wc -l)
        echo "depth $depth: writes by $most threads"
        [ "$most" -ge 1 ]
        [ "$most" -le "$depth" ]
    done
    [ "$most" -gt 1 ]
}

@test "without io_uring, auto takes threads, and says nothing of it" {
    need_strace
    pair
    traced -e trace=io_uring_setup -e inject=io_uring_setup:error=ENOSYS -- snapmerge --origin origin --cow cow
    assert_merged
    assert_not_said "io_uring"
    cp cow.before cow
    cp origin.before origin
    traced -e trace=io_uring_setup -e inject=io_uring_setup:error=EPERM -- \
        snapmerge --io-engine io_uring --origin origin --cow cow
    assert_status 8
    assert_said "io_uring is forbidden on this system"
    assert_said "Nothing was written."
    cmp origin origin.before
}

# --- what was chosen -------------------------------------------------------------------------
@test "-v says what was chosen, and what of it was given" {
    pair
    program snapmerge -n --origin origin --cow cow
    assert_not_said "requests by"
    program snapmerge -n -v --io-engine threads --queue-depth 7 --seeks one-disk --memory 64M --origin origin --cow cow
    assert_status 0
    assert_said "origin: as the origin: requests by threads, up to 7 at once, "
    assert_said "cow: as the COW: requests by threads, up to 7 at once, "
    assert_said "seeks cost time on the one disk of both (as --seeks says); progress is made durable about every 600 s"
    assert_said "memory for buffers and tables: at most 64 MiB (as --memory says)"
    program snapmerge -n -v --seeks free --checkpoint-interval 9 --origin origin --cow cow
    assert_said "seeks cost nothing (as --seeks says); progress is made durable about every 9 s"
    assert_said "(a share of what is available)"
}

# --- limits ------------------------------------------------------------------------------------
# window_of OPTION...: how many entries the largest window would have.
window_of() {
    program snapmerge -n --json "$@" --origin origin --cow cow
    assert_status 0
    window=$(json .result.plan.window_entries_max)
}

@test "under a limit a window is at most 30 s of the rate, whatever the interval" {
    pair
    local interval
    for interval in "" "--checkpoint-interval 3600"; do
        # shellcheck disable=SC2086
        window_of --rate-limit 64K $interval
        [ $((window * 4096)) -le $((30 * 64 * 1024)) ]
        # shellcheck disable=SC2086
        window_of --iops-limit 5 $interval
        [ "$window" -le $((30 * 5)) ]
        # shellcheck disable=SC2086
        window_of --iops-limit 100000 --rate-limit 16K $interval
        [ $((window * 4096)) -le $((30 * 16 * 1024)) ]
    done
    window_of --rate-limit 64K --checkpoint-interval 2
    [ $((window * 4096)) -le $((2 * 64 * 1024)) ]
    window_of
    assert_equal "$window" 1200
}

@test "--rate-limit and --iops-limit: the same result, and windows as foreseen" {
    pair
    local options foreseen
    for options in "--rate-limit 16M" "--iops-limit 4000" "--rate-limit 16M --iops-limit 4000 --io-engine threads"; do
        cp cow.before cow
        cp origin.before origin
        # shellcheck disable=SC2086
        window_of $options
        # shellcheck disable=SC2086
        program snapmerge --json $options --origin origin --cow cow
        assert_merged
        assert_equal "$(json .result.window_entries_max)" "$window"
        [ "$(json .result.windows)" -ge 8 ]
    done
}

# --- memory ------------------------------------------------------------------------------------
# listed_pair STEP: origin and cow without data: a list of 40,000 chunks of 4 KiB, upwards or downwards.
listed_pair() {
    truncate -s 160000K origin
    truncate -s 170M cow
    perl -e '
        my ($step) = @ARGV;
        open(my $cow, "+<:raw", "cow") or die;
        print $cow "SnAp", pack("V3", 1, 1, 8);
        for my $i (0 .. 39999) {
            my ($area, $slot) = (int($i / 256), $i % 256);
            seek($cow, (257 * $area + 1) * 4096 + 16 * $slot, 0);
            print $cow pack("Q<2", $step > 0 ? $i : 39999 - $i, 257 * $area + 2 + $slot);
        }
        close($cow) or die' -- "$1"
}

@test "long runs are merged in windows of about 64 MiB, short ones and where a disk spins in what the memory holds" {
    listed_pair 1
    window_of --memory 512M --seeks free
    [ "$window" -ge $((64 << 8)) ]
    [ "$window" -lt $((72 << 8)) ]
    window_of --memory 20M --seeks free
    [ "$window" -lt 2560 ]
    window_of --memory 512M --seeks two-disks
    assert_equal "$window" 40000
    listed_pair -1
    window_of --memory 512M --seeks free
    assert_equal "$window" 40000
}

# --- idle --------------------------------------------------------------------------------------
# classes: the I/O priority classes of all threads of $pid.
classes() {
    local thread
    for thread in /proc/"$pid"/task/*; do
        ionice -p "${thread##*/}" 2>/dev/null || true
    done | sort -u
}

# class_of OPTION...: while it writes; stopped in the middle, so that no thread ends under our eyes.
class_of() {
    local tries
    cp cow.before cow
    cp origin.before origin
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapmerge" --quiet --rate-limit 4M "$@" --origin origin --cow cow \
        </dev/null >out 2>said 3>&- &
    pid=$!
    for ((tries = 0; tries < 3000; tries++)); do
        cmp -s origin origin.before || break
        sleep 0.02
    done
    kill -STOP "$pid"
    class=$(classes)
    threads=$(find "/proc/$pid/task" -mindepth 1 -maxdepth 1 | wc -l)
    kill -CONT "$pid"
    status=0
    wait "$pid" || status=$?
    pid=
    stderr=$(<said)
    assert_merged
}

@test "--idle puts every thread into the idle class of I/O priorities; without it none is" {
    pair
    class_of --idle
    assert_equal "$class" idle
    class_of --idle --io-engine threads
    assert_equal "$class" idle
    [ "$threads" -gt 1 ]
    class_of
    [[ $class != *idle* ]]
}

@test "--idle that cannot be set is said, and the merge goes on" {
    need_strace
    pair
    traced -e trace=ioprio_set -e inject=ioprio_set:error=EPERM -- snapmerge --idle --origin origin --cow cow
    assert_merged
    assert_said "warning: the I/O priority cannot be set to idle: Operation not permitted"
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Nobody reads what a program says: a signal ends that wait, too, and what was begun can be gone on with.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load background
    load pairs
    load system_calls
    in_folder
    pid=
    # A pipe without room that nobody reads; this shell has both ends open.
    mkfifo full
    exec 7<>full
    perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK) or die; 1 while syswrite(STDOUT, "x" x 4096); 1 while syswrite(STDOUT, "x")' >&7
    shaped_pair random 8 3000 $((8 * 4000))
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    exec 7>&-
}

# It does nothing but wait: in half a second it is not seen at work.
waits() {
    local before
    before=$(grep -E '^(State|.*ctxt_switches)' "/proc/$pid/status")
    sleep 0.5
    [[ $before == *sleeping* ]] && [ "$before" = "$(grep -E '^(State|.*ctxt_switches)' "/proc/$pid/status")" ]
}

catches_signals() {
    local mask
    mask=$(sed -n 's/^SigCgt:\t//p' "/proc/$pid/status")
    (((16#$mask & 16#4000) != 0))
}

# blocked OUT SAID NAME ARGUMENT...: in the background, with files or the full pipe for what it says.
blocked() {
    local out=$1 said=$2 name=$3
    shift 3
    skip_without_json "$@"
    : >said
    # shellcheck disable=SC2086
    env --default-signal=HUP,INT $WRAPPER "$BUILDDIR/tools/$name" "$@" </dev/null >"$out" 2>"$said" 3>&- 7>&- &
    pid=$!
}

# ends_by SIGNAL: within seconds, though nobody reads.
ends_by() {
    local start
    until_true waits
    start=${EPOCHREALTIME/[.,]/}
    kill "-$1" "$pid"
    end
    [ $((${EPOCHREALTIME/[.,]/} - start)) -lt 5000000 ]
}

# stopped SIGNAL NAME ARGUMENT...: the data have no reader, the messages have.
stopped() {
    local signal=$1
    shift
    blocked full said "$@"
    until_true catches_signals
    ends_by "$signal"
    assert_status 32
    assert_said "$1: standard output: nobody read it when a signal came; it is incomplete"
    assert_not_said "cannot be written"
    cmp origin origin.before
    cmp cow cow.before
}

@test "snapinspect: the view, the list and the figures have no reader" {
    stopped TERM snapinspect --origin origin --extract - cow
    assert_said "snapinspect: stopped"
    stopped INT snapinspect --origin origin --extract - cow
    stopped HUP snapinspect --list cow
    stopped TERM snapinspect --list --raw cow
    stopped INT snapinspect cow
}

@test "JSON has no reader" {
    stopped TERM snapinspect --list --json cow
    stopped INT snapinspect --json cow
    stopped TERM snapcheck --json cow
    stopped TERM snapmerge -n --json --origin origin --cow cow
}

@test "snapcheck, snapmerge and snapcreate: the report has no reader" {
    stopped TERM snapcheck cow
    stopped TERM snapmerge -n --origin origin --cow cow
    stopped TERM snapcreate -n --print-table P --origin origin --cow new --size 1M
}

@test "findings have no reader" {
    local number
    # Old chunks far behind the end of the origin.
    for number in 0 1 2 3 4 5; do
        printf '\377\377\377\377\377\377\377\0' | dd of=cow bs=1 seek=$((4096 + 16 * number)) conv=notrunc status=none
    done
    cp cow cow.before
    stopped TERM snapcheck --origin origin cow
}

@test "help has no reader: the signal ends the program" {
    local number=2 signal
    for signal in INT TERM; do
        blocked full said snapinspect --help
        ends_by "$signal"
        [ "$status" -eq $((128 + $(kill -l "$signal"))) ]
    done
}

# merge_goes_on: the merge that was stopped can be gone on with, and the view was kept.
merge_goes_on() {
    assert_status 32
    program snapinspect --origin origin --extract extracted cow
    assert_status 0
    cmp extracted view
    rm extracted
    program snapmerge --origin origin --cow cow
    assert_status 0
    cmp origin view
    cp origin.before origin
    cp cow.before cow
}

merging() {
    ! cmp -s origin origin.before
}

@test "a merge whose progress has no reader is stopped, and goes on" {
    local signal
    for signal in TERM INT; do
        blocked out full snapmerge --progress-json --rate-limit 2M --memory 16M --origin origin --cow cow
        until_true catches_signals
        ends_by "$signal"
        merge_goes_on
    done
}

@test "a merge whose progress loses its reader on the way is stopped, and goes on" {
    mkfifo pipe
    exec 8<>pipe
    blocked out pipe snapmerge --progress-json --progress-frequency 1 --rate-limit 2M --memory 16M \
        --origin origin --cow cow 8>&-
    until_true merging
    perl -e 'use Fcntl; fcntl(STDOUT, F_SETFL, O_NONBLOCK) or die; 1 while syswrite(STDOUT, "x" x 4096); 1 while syswrite(STDOUT, "x")' >pipe
    sleep 1
    ends_by TERM
    exec 8>&-
    merge_goes_on
}

@test "messages have no reader: a refusal, a warning, both outputs at once" {
    blocked out full snapcheck missing
    until_true catches_signals
    ends_by TERM
    [ "$status" -eq 8 ] || assert_status 32
    blocked full full snapinspect --verbose --origin origin --list cow
    until_true catches_signals
    ends_by INT
    assert_status 32
    blocked full full snapmerge --verbose --origin origin --cow cow
    until_true catches_signals
    ends_by TERM
    merge_goes_on
}

# The process that looks at the origin is held at a call that no other one makes: so it is with a device that hangs.
@test "the process for libblkid does not answer: a signal ends that wait" {
    local name tries
    need_strace
    for name in snapcheck snapmerge; do
        both origin cow
        : >said
        rm -f ended.*
        # The shell leaves the exit status as the name of a file, since it is traced, too, and strace loses its way where
        # a process ends that it delays.
        # shellcheck disable=SC2016,SC2086
        "${tracer[@]}" -f -o trace -e trace=close_range -e inject=close_range:delay_enter=60000000 \
            bash -c '"$@"; : >ended.$?' bash \
            $WRAPPER "$BUILDDIR/tools/$name" "${arguments[@]}" </dev/null >out 2>said 3>&- 7>&- &
        pid=$!
        until_true eval 'program_pid=$(pgrep -o -f "^$BUILDDIR/tools/$name ") && child_pid=$(pgrep -P "$program_pid")'
        sleep 0.5
        kill -TERM "$program_pid"
        until_true grep -q "^$name: stopped" said
        kill -KILL "$pid" "$child_pid" 2>/dev/null || true
        wait "$pid" || true
        pid=
        for tries in {1..300}; do
            [ ! -e ended.32 ] || break
            sleep 0.05
        done
        [ -e ended.32 ]
    done
}

# It comes when the program is about to make the first of the processes that look for a tag on each device.
@test "a signal that comes a moment before that wait ends it, too" {
    local option
    need_strace
    need_loops
    loop_over origin
    for option in --sandbox --no-sandbox; do
        : >said
        # shellcheck disable=SC2086
        "${tracer[@]}" -f -o trace -e trace=close_range,pipe2 -e inject=pipe2:signal=SIGTERM:when=1 \
            -e inject=close_range:delay_enter=60000000 \
            $WRAPPER "$BUILDDIR/tools/snapcheck" ${option#--sandbox} --origin LABEL=nowhere cow \
            </dev/null >out 2>said 3>&- 7>&- &
        pid=$!
        until_true grep -q "^snapcheck: .*stopped" said
        pkill -KILL -P "$pid" || true
        kill -KILL "$pid" 2>/dev/null || true
        wait "$pid" || true
        pid=
        grep -q 'SIGTERM' trace
    done
    loops_detach
}

@test "a merge that is complete, and whose JSON has no reader, says so: nothing is left to do" {
    blocked full said snapmerge --json --origin origin --cow cow
    until_true grep -q "may be removed" said
    ends_by TERM
    assert_status 32
    assert_said "standard output: nobody read it"
    cmp origin view
    program snapmerge --origin origin --cow cow
    assert_status 0
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge interrupted: by signals, by a second one; the view stays, and the same command goes on. Kills at random
# moments are in killed.bats.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load background
    in_folder
    pid=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    loops_detach
}

# A store of so many chunks of 4 KiB, every second one of the origin: what a merge does takes several windows.
pair() {
    local chunks=$1
    contents origin $((2 * chunks * 4096)) origin
    perl -e '
        open(my $in, "<:raw", "origin") or die;
        open(my $out, ">:raw", "view") or die;
        for (my $at = 0; read($in, my $chunk, 4096); $at++) { $chunk = reverse($chunk) if $at & 1; print $out $chunk }'
    rm -f cow
    "$BUILDDIR/tools/snapcreate" -q --origin origin --cow cow --size max --from-diff view
    assert_equal "$(walk cow figures | cut -d' ' -f1)" "$chunks"
    cp origin origin.before
    cp cow cow.before
}

# The snapshot is as it was, and the store is sound.
assert_view() {
    rm -f extracted
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract extracted cow
    cmp extracted view
    "$BUILDDIR/tools/snapcheck" -q --origin origin cow
}

assert_complete() {
    cmp origin view
    assert_equal "$(walk cow figures | cut -d' ' -f1)" 0
    "$BUILDDIR/tools/snapcheck" -q --origin origin cow
}

# The origin is being written to: the checks are behind it.
merging() {
    ! cmp -s origin origin.before
}

list_is_shorter() {
    [ "$(number cow 4112 8)" != 0 ] && [ "$(walk cow figures | cut -d' ' -f1)" -lt "$1" ]
}

catches_signals() {
    local mask
    mask=$(sed -n 's/^SigCgt:\t//p' "/proc/$pid/status")
    (((16#$mask & 2) != 0))
}

# A merge slow enough to be met in the middle: 8 MiB at 1 MiB/s.
start_slowly() {
    pair 2048
    start --rate-limit 1M --memory 16M --checkpoint-interval 1 "$@"
    until_true merging
}

# --- kill --------------------------------------------------------------------------------------
@test "killed behind the first cut: the list is a prefix, and the rerun merges only the rest" {
    pair 8192
    start --rate-limit 30M --memory 16M --checkpoint-interval 1
    until_true list_is_shorter 8192
    kill -KILL "$pid"
    end
    assert_equal "$status" 137
    local left
    left=$(walk cow figures | cut -d' ' -f1)
    [ "$left" -gt 0 ]
    [ "$left" -lt 8192 ]
    assert_equal "$(walk cow ranges)" "$(walk cow.before ranges | head -n "$left")"
    assert_view
    program snapmerge --json --origin origin --cow cow
    assert_status 0
    assert_json .result.entries_merged "$left"
    assert_complete
}

# --- signals -----------------------------------------------------------------------------------
stopped_by() {
    start_slowly
    kill "-$1" "$pid"
    end
    assert_status 32
    assert_said "entries are merged durably"
    assert_said "the snapshot is unchanged"
    assert_said "To go on: snapmerge --origin origin --cow cow"
    assert_said "Do not mount origin before the merge is complete."
    assert_not_said "Nothing was written."
    assert_view
    # What it says to type is what goes on.
    local command
    command=$(sed -n 's/ --rate-limit [0-9A-Z]*//; s/^To go on: //p' said)
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$command" </dev/null
    assert_status 0
    assert_complete
}

@test "SIGINT: exit 32, says how to go on, and that does" {
    stopped_by INT
}

@test "stopped, as JSON: what the store holds now is what snapinspect says" {
    start_slowly --json
    # Behind the first cut.
    until_true list_is_shorter 2048
    kill -INT "$pid"
    end
    assert_status 32
    local said_json
    said_json=$(<out)
    assert_equal "$(jq -r '.result | "\(.outcome) \(.entries) \(.after.entries == .entries_left)"' <<<"$said_json")" \
        "stopped 2048 true"
    program snapinspect --json cow
    assert_equal "$(jq -c '.result.after' <<<"$said_json")" "$(json '.result | {entries, usage} | tojson')"
}

@test "SIGTERM: the same" {
    stopped_by TERM
}

@test "SIGHUP: the same" {
    stopped_by HUP
}

@test "SIGHUP under nohup is ignored" {
    pair 2048
    : >said
    # shellcheck disable=SC2086
    nohup $WRAPPER "$BUILDDIR/tools/snapmerge" --rate-limit 4M --origin origin --cow cow \
        </dev/null >out 2>said 3>&- &
    pid=$!
    until_true merging
    kill -HUP "$pid"
    end
    assert_status 0
    assert_complete
}

@test "SIGUSR1 prints a line at once, also with -q, and changes nothing" {
    local option
    for option in --verbose --quiet; do
        start_slowly "$option"
        [ "$(grep -c ' left' said)" -eq 0 ]
        kill -USR1 "$pid"
        until_true grep -q '^origin: merge: .* of 8 MiB (.*%), .*left' said
        kill -INT "$pid"
        end
        assert_status 32
        assert_view
    done
}

@test "a second SIGINT ends it at once: the snapshot is unchanged all the same" {
    pair 2048
    # Nobody reads what it says: it waits there, whatever it does, until something ends it.
    mkfifo talk.fifo
    exec 9<>talk.fifo
    : >said
    # shellcheck disable=SC2086
    skip_without_json --progress-json
    $WRAPPER "$BUILDDIR/tools/snapmerge" --progress-json --rate-limit 1M --memory 16M --origin origin --cow cow \
        </dev/null >out 2>talk.fifo 3>&- 9>&- &
    pid=$!
    until_true catches_signals
    until_true merging
    dd if=/dev/zero of=talk.fifo bs=4096 count=1000 oflag=nonblock status=none 2>/dev/null || true
    dd if=/dev/zero of=talk.fifo bs=1 count=8192 oflag=nonblock status=none 2>/dev/null || true # the last part of it
    sleep 1.2 # until it has more to say
    kill -INT "$pid"
    sleep 0.05 # it waits half a second for its reader
    kill -0 "$pid"
    kill -INT "$pid"
    end
    exec 9>&-
    assert_status 32
    assert_view
    program snapmerge --origin origin --cow cow
    assert_status 0
    assert_complete
}

# With job control it gets a process group of its own, as from a shell at a terminal; the kernel does not let SIGTSTP
# stop a group that nobody could continue.
@test "SIGTSTP stops it, SIGCONT continues it: nothing comes of it" {
    pair 2048
    set -m
    start --rate-limit 4M
    set +m
    until_true merging
    kill -TSTP "$pid"
    until_true grep -q '^State:.T' "/proc/$pid/status"
    assert_view_of_stopped
    kill -CONT "$pid"
    until_true grep -q '^State:.[^T]' "/proc/$pid/status"
    # And once more, while it waits for the rate.
    kill -TSTP "$pid"
    until_true grep -q '^State:.T' "/proc/$pid/status"
    kill -CONT "$pid"
    end
    assert_status 0
    assert_complete
}

# While it stands still, the two hold what a crash would leave: looked at in copies, the originals are in use.
assert_view_of_stopped() {
    cp origin copy.origin
    cp cow copy.cow
    "$BUILDDIR/tools/snapinspect" -q --origin copy.origin --extract copy.view copy.cow
    cmp copy.view view
}

# stopped_at_question NAME ARGUMENT...: on a terminal, and Ctrl-C where it asks.
stopped_at_question() {
    mkfifo keys
    : >said
    TERM=dumb script --quiet --return --command "$(typed "$@")" /dev/null <keys >said 3>&- &
    pid=$!
    exec 8>keys
    until_true grep -qF '[y/N]' said
    printf '\003' >&8
    end
    exec 8>&-
    assert_status 32
    assert_said "Nothing was written."
    cmp origin origin.before
    cmp cow cow.before
}

@test "stopped at the question: exit 32 and nothing was written" {
    pair 2048
    stopped_at_question snapmerge --origin origin --cow cow
}

@test "stopped at the question about a list that looks cut: the same" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/cut.recipe" cow origin view
    cp origin origin.before
    cp cow cow.before
    stopped_at_question snapmerge --origin origin --cow cow
    assert_said "may have been cut off"
    assert_not_said "Merge now?"
}

# --- two at once -------------------------------------------------------------------------------
@test "a second snapmerge on the same images is refused; the first goes on" {
    start_slowly
    program snapmerge --origin origin --cow cow
    assert_status 8
    assert_said "in use"
    assert_said "Nothing was written."
    # Where it is confined, or not root, it has only the command line of the other.
    [ -n "${WRAPPER-}" ] || assert_said "process $pid (snapmerge)"
    program snapmerge -y --accept=identity,cut --origin origin --cow cow
    assert_status 8
    program snapcreate -f --origin view --cow cow
    assert_status 8
    kill -0 "$pid"
    kill -INT "$pid"
    end
    assert_status 32
    assert_view
}

@test "a second snapmerge on the same block devices is refused" {
    need_loops
    pair 2048
    loop_over origin
    local origin_loop=$loop
    loop_over cow
    : >said
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapmerge" --rate-limit 1M --origin "$origin_loop" --cow "$loop" \
        </dev/null >out 2>said 3>&- &
    pid=$!
    until_true merging
    program snapmerge --origin "$origin_loop" --cow "$loop"
    assert_status 8
    assert_said "$loop: "
    assert_said "Nothing was written."
    [ -n "${WRAPPER-}" ] || assert_said " process $pid (snapmerge)"
    kill -TERM "$pid"
    end
    assert_status 32
    assert_said "To go on: snapmerge --origin $origin_loop --cow $loop"
    loops_detach
    assert_view
}

# --- progress ----------------------------------------------------------------------------------
# Every line is an object, with the keys of a progress line; the last one has the end.
assert_progress() {
    local lines
    lines=$(jq -c . said | wc -l)
    assert_equal "$(wc -l <said)" "$lines"
    assert_equal "$(jq -c '["device", "phase", "device_bytes", "device_size", "speed", "eta_ms", "time_ms"] - keys' said |
        sort -u)" "[]"
    assert_equal "$(tail -n 1 said | jq -r '"\(.result) \(.exit_status) \(.device) \(.device_size)"')" "$1"
    assert_equal "$(jq -c 'select(has("result"))' said | wc -l)" 1
}

@test "--progress-json: lines of JSON, and a last one with the result" {
    pair 1024
    start -q --progress-json --progress-frequency 1 --rate-limit 3M
    end
    assert_status 0
    assert_progress "done 0 origin 4194304"
    [ "$(wc -l <said)" -ge 3 ]
}

@test "--progress-json: stopped" {
    pair 2048
    start -q --progress-json --rate-limit 1M
    until_true merging
    kill -INT "$pid"
    end
    assert_status 32
    grep '^{' said >lines
    mv lines said
    assert_progress "stopped 32 origin 8388608"
}

@test "--progress-frequency 1: plain lines while it runs" {
    pair 1024
    start --rate-limit 1536K --progress-frequency 1
    end
    assert_status 0
    assert_said "origin: merge: "
    grep -q '^origin: merge: .* of 4 MiB (.*%), .*/s, .* left' said
    assert_complete
}

@test "on a terminal: a bar that is redrawn in place, and wiped before the end is told" {
    pair 1024
    TERM=xterm run timeout 300 script --quiet --return \
        --command "$(typed snapmerge -y --rate-limit 3M --origin origin --cow cow)" /dev/null </dev/null
    assert_status 0
    assert_complete
    # Drawn at the start of the line each time, some of them on the way.
    [ "$(grep -oE $'\rmerge \\[[=> ]{20}\\] +[0-9]+%  [^\r]* of 4 MiB  [^\r]* left' <<<"$output" | sort -u | wc -l)" -ge 2 ]
    grep -qF $'\r\e[Ksnapmerge: merged 1024 chunks' <<<"$output"
    # No lines beside it.
    [[ $output != *"origin: merge: "* ]]
}

@test "on a terminal, with -q: no bar" {
    pair 1024
    TERM=xterm run timeout 300 script --quiet --return \
        --command "$(typed snapmerge -q -y --origin origin --cow cow)" /dev/null </dev/null
    assert_status 0
    [[ $output != *"merge ["* ]]
    assert_complete
}

# SPDX-License-Identifier: GPL-2.0-or-later
# A merge, or another run, in the background: met while it runs, and waited for.
# shellcheck shell=bash disable=SC2034,SC2154

# start_program NAME ARGUMENT...: in the background, $pid; what it says goes to the files `said` and `out`.
start_program() {
    local name=$1
    shift
    skip_without_json "$@"
    : >said
    : >out
    # shellcheck disable=SC2086
    env --default-signal=HUP $WRAPPER "$BUILDDIR/tools/$name" "$@" </dev/null >out 2>said 3>&- &
    pid=$!
}

# start OPTION...: a merge of the pair in the folder.
start() {
    start_program snapmerge --origin origin --cow cow "$@"
}

# end: waits for it; $status. The limit only turns a hang into a failure.
end() {
    local limit
    perl -e 'sleep(120); kill("KILL", $ARGV[0])' "$pid" >/dev/null 2>&1 3>&- &
    limit=$!
    status=0
    wait "$pid" || status=$?
    kill "$limit"
    pid=
    stderr=$(<said)
    output=$(cat out 2>/dev/null) || true
}

# until_true COMMAND...: polls while the merge runs; the limit only turns a hang into a failure.
until_true() {
    local tries
    for ((tries = 0; tries < 3000; tries++)); do
        ! "$@" || return 0
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.02
    done
    echo "never true: $*" "$(<said)" >&2
    return 1
}

# SPDX-License-Identifier: GPL-2.0-or-later
# What all command tests share: calling a program, judging what it said, proving that it wrote nothing.
# shellcheck shell=bash disable=SC2034,SC2154

load ../support/assert

PROGRAMS=(snapcreate snapinspect snapmerge snapcheck)

# lacks LIBRARY: whether this build is without it (configure --without-LIBRARY).
lacks() {
    [[ " ${LACKS-} " == *" $1 "* ]]
}

# skip_without_json ARGUMENT...: ends the test where a call with these arguments needs what this build lacks. What is
# refused then is tested without program().
skip_without_json() {
    if lacks json-c && [[ " $* " =~ ' '(--json|--progress-json|-[a-zA-Z]*J[a-zA-Z]*)' ' && " $* " != *' --help '* ]]; then
        skip "this build lacks json-c"
    fi
}

# program NAME ARGUMENT...: a call as a test makes it; $status, $output (standard output) and $stderr afterwards. What
# `run --separate-stderr` does, without its processes: there are thousands of calls.
program() {
    local name=$1
    shift
    skip_without_json "$@"
    status=0
    # shellcheck disable=SC2086 # WRAPPER is a command with arguments
    output=$($WRAPPER "$BUILDDIR/tools/$name" "$@" </dev/null 2>"$BATS_RUN_TMPDIR/said.$$") || status=$?
    stderr=$(<"$BATS_RUN_TMPDIR/said.$$")
}

# program_in_shell REDIRECTION NAME ARGUMENT...: the same with a redirection such as '>&-' or '>/dev/full'.
program_in_shell() {
    local redirection=$1 name=$2
    shift 2
    # shellcheck disable=SC2086
    run --separate-stderr timeout 300 bash -c "exec \"\$@\" $redirection" bash \
        $WRAPPER "$BUILDDIR/tools/$name" "$@" </dev/null
}

# program_unprivileged NAME ARGUMENT...: as a user whom permissions bind. The program is copied to where that user
# can reach it; the tests of this function keep their images in $open_dir for the same reason.
program_unprivileged() {
    local name=$1 as=()
    shift
    cp "$BUILDDIR/tools/$name" "$open_dir/$name"
    if [ "$(id -u)" -eq 0 ]; then
        as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    fi
    # shellcheck disable=SC2086
    run --separate-stderr timeout 300 "${as[@]}" $WRAPPER "$open_dir/$name" "$@" </dev/null
}

# A folder that every user can reach, unlike the one of bats; removed by open_dir_remove in teardown.
open_dir_make() {
    open_dir=$(mktemp -d "${TMPDIR:-/tmp}/dmsnap-test.XXXXXX")
    chmod 755 "$open_dir"
}

open_dir_remove() {
    [ -z "${open_dir-}" ] || rm -rf "$open_dir"
}

# both ORIGIN COW: the arguments that a program takes for one origin and one COW, in $arguments.
both() {
    case $name in
    snapinspect | snapcheck) arguments=(--origin "$1" "$2") ;;
    *) arguments=(--origin "$1" --cow "$2") ;;
    esac
}

# Some bytes that are neither a store nor zero, the same every time.
make_image() {
    local file=$1 bytes=$2
    yes "0123456789abcdef" | head -c "$bytes" >"$file"
}

# What a refused run must leave alone: contents, sizes, and that no file came or went beside them.
sums() {
    sha256sum "$@"
    stat -c '%n %s %Y' "$@"
    ls -A "$(dirname "$1")"
}

remember() {
    remembered_files=("$@")
    remembered=$(sums "$@")
}

assert_untouched() {
    assert_equal "$(sums "${remembered_files[@]}")" "$remembered"
}

assert_status() {
    if [ "$status" -ne "$1" ]; then
        printf '%s\n' "exit status $status, expected $1" "stdout: $output" "stderr: $stderr" >&2
        return 1
    fi
}

# Some line of standard error holds the text.
assert_said() {
    if [[ $stderr != *"$1"* ]]; then
        printf '%s\n' "not said: $1" "stderr: $stderr" >&2
        return 1
    fi
}

assert_not_said() {
    if [[ $stderr == *"$1"* ]]; then
        printf '%s\n' "said: $1" "stderr: $stderr" >&2
        return 1
    fi
}

# A usage error as a whole: status, the sentence, the hint, nothing on standard output.
assert_usage_error() {
    assert_status 16
    assert_said "$name: $1"
    assert_said "Try '$name --help'."
    assert_equal "$output" ""
}

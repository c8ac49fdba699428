# SPDX-License-Identifier: GPL-2.0-or-later
# System calls of a program under test, as strace has seen them.
# shellcheck shell=bash disable=SC2034,SC2154

# The programs let nobody look at them who is the same user, only root: strace would see no paths. A user is root in a
# namespace of his own; it gives no right to files.
if [ "$(id -u)" -eq 0 ]; then
    tracer=(env)
else
    tracer=(unshare --user --map-root-user)
fi
tracer+=(strace)

# The only allowed skips: there is no strace, or it may not look; or what is seen would be another program's calls.
need_strace() {
    "${tracer[@]}" -o /dev/null true >/dev/null 2>&1 || skip "needs strace, and the right to trace"
    case $WRAPPER in *valgrind*) skip "valgrind has calls of its own" ;; esac
}

# traced OPTION... -- NAME ARGUMENT...: as `program`, below strace with these options; the lines are in the file
# `trace`, the threads' calls among them, paths beside descriptors.
traced() {
    local options=() name
    while [ "$1" != -- ]; do
        options+=("$1")
        shift
    done
    name=$2
    shift 2
    # The leak checker of the sanitizers cannot work below strace.
    # shellcheck disable=SC2086
    skip_without_json "$@"
    ASAN_OPTIONS=detect_leaks=0 run --separate-stderr timeout 300 \
        "${tracer[@]}" -f -y -s 0 -o trace "${options[@]}" $WRAPPER "$BUILDDIR/tools/$name" "$@" </dev/null
}

# traced_calls: the calls in the order in which they ended, one in a line, without the number of the thread; strace has
# two lines for a call during which another thread said something.
traced_calls() {
    perl -ne '
        my ($pid, $rest) = /^(\d+)\s+(.*)/ or next;
        if ($rest =~ s/ <unfinished \.\.\.>$//) { $open{$pid} = $rest; next }
        $rest = delete($open{$pid}) . $rest if $rest =~ s/^<\.\.\. \w+ resumed>//;
        print "$rest\n";' trace
}

# traced_sum CALLS FILE: how many bytes these calls (a pattern) returned for the file.
traced_sum() {
    traced_calls | perl -ne '
        BEGIN { ($calls, $file, $sum) = (splice(@ARGV, 0, 2), 0) }
        next unless /^(?:$calls)\(\d+<(?:[^>]*\/)?\Q$file\E>/;
        / = (\d+)$/ or die "failed: $_";
        $sum += $1;
        END { print "$sum\n" }' "$1" "$2"
}

# traced_count CALLS FILE: how many of these calls were made for the file.
traced_count() {
    traced_calls | grep -cE "^($1)\([0-9]+<([^>]*/)?$2>" || true
}

# held CALL[,CALL...] PATH NAME ARGUMENT...: a program in the background, $pid, as start_program does; it stands still on
# its way into its first call of these names for this path, or for a descriptor of it, however long the test takes, until
# `let_go`. Without the sandbox, which looks at names as well.
held() {
    local call=$1 path=$2 name=$3
    shift 3
    skip_without_json "$@"
    : >said
    : >out
    : >trace
    # shellcheck disable=SC2086
    ASAN_OPTIONS=detect_leaks=0 "${tracer[@]}" -D -f -y -P "$path" -o trace -e "trace=$call" \
        -e "inject=$call:delay_enter=600000000:when=1" \
        $WRAPPER "$BUILDDIR/tools/$name" --no-sandbox "$@" </dev/null >out 2>said 3>&- &
    pid=$!
    until_true grep -qE "\b(${call//,/|})\(.*[\"<]$path[\">]" trace
}

# Without strace, what stood still goes on.
let_go() {
    kill -KILL "$(sed -n 's/^TracerPid:\t\([1-9]\)/\1/p' "/proc/$pid/status")"
}

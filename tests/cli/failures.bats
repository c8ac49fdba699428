#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Failures that the system causes and no device: each is said in words, and nothing was written by then.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load pairs
    load system_calls
    need_strace
    in_folder
    shaped_pair random 8 30 $((8 * 40))
}

# failed TEXT: exit 8, said so, and both images are as they were.
failed() {
    assert_status 8
    assert_said "$1"
    cmp origin origin.before
    cmp cow cow.before
}

@test "no file in memory can be made: all that look for signatures say so" {
    local name arguments
    for name in snapinspect snapmerge snapcreate; do
        both origin cow
        traced -e inject=memfd_create:error=ENFILE -- "$name" "${arguments[@]}"
        failed "cannot make a memory file: Too many open files in system"
    done
}

@test "no list of block devices: a tag cannot be looked for" {
    traced -P /proc/partitions -e inject=openat:error=EACCES -- snapmerge --origin UUID=1234-5678 --cow cow
    failed "/proc/partitions: cannot list the block devices: Permission denied"
    assert_said "Nothing was written."
}

@test "standard input is closed, and there is no /dev/null in its place: refused" {
    # shellcheck disable=SC2016,SC2086
    ASAN_OPTIONS=detect_leaks=0 run --separate-stderr timeout 300 "${tracer[@]}" -f -o trace -P /dev/null \
        -e inject=openat,open:error=ENOENT bash -c 'exec "$@" <&-' bash \
        $WRAPPER "$BUILDDIR/tools/snapmerge" --origin origin --cow cow
    failed "/dev/null cannot take its place"
}

@test "the holes of an image cannot be asked for: a difference is not made" {
    traced -P "$PWD/view" -e inject=lseek:error=EIO -- \
        snapcreate --origin origin --cow new --size max --from-diff view
    failed "view: looking for holes"
    [ ! -e new ]
}

# first_call CALL NAME ARGUMENT...: $n, the number of the first such call for a file that is being made. A run finds it
# out: memory files have such calls, too.
first_call() {
    local call=$1
    shift
    traced -e trace="$call" -- "$@"
    n=$(perl -ne '
        BEGIN { ($pid, $call, $folder) = splice(@ARGV, 0, 3) }
        next unless /^$pid \s*\Q$call\E\(/;
        $count++;
        if (/\(\d+<\Q$folder\E/) { print $count; exit }' "$(tail -n 1 trace | cut -d' ' -f1)" "$call" "$(pwd -P)" trace)
    [ -n "$n" ]
    rm -f new
    cp origin.before origin
    cp cow.before cow
}

# too_large CALL NAME ARGUMENT...: that call meets a limit of file sizes, as the kernel does it, with the signal.
too_large() {
    local call=$1 n
    first_call "$@"
    shift
    traced -e inject="$call:error=EFBIG:signal=SIGXFSZ:when=$n" -- "$@"
    failed "File too large: beyond what the file system, or the limit on file sizes of this shell (ulimit -f), allows"
    [[ $stderr == *": new: "* || $stderr == *": new.partial: "* ]]
    [ ! -e new ]
    [ ! -e new.partial ]
}

@test "a file that is made meets a limit of file sizes: said, and nothing is left of it" {
    too_large ftruncate snapcreate --origin origin --cow new --size 1M
    too_large ftruncate snapinspect --origin origin --extract new cow
    too_large ftruncate snapmerge --origin origin --cow cow --output new
    too_large ftruncate snapmerge --origin origin --cow cow --undo new
    too_large write snapmerge --origin origin --cow cow --continue-on-error --bad-list new
    too_large write snapmerge --origin origin --cow cow --keep-cow --checkpoint new
}

@test "an image that cannot be begun, nor removed: it is named" {
    local n
    first_call ftruncate snapinspect --origin origin --extract new cow
    traced -e inject=ftruncate:error=EIO:when="$n" -e inject=unlinkat:error=EACCES -- \
        snapinspect --origin origin --extract new cow
    failed "Input/output error"
    assert_said "new.partial: cannot be removed again: Permission denied"
    [ -e new.partial ]
}

@test "places where file systems keep their signatures cannot be read: said, and the merge goes on" {
    traced -P "$PWD/origin" -e inject=pread64,preadv,preadv2:error=EIO -- \
        snapmerge --io-engine threads --origin origin --cow cow
    assert_status 0
    assert_said "places where file systems "
    cmp origin view
}

@test "a file system without locks: an image there is read, but not written, for nobody knows who else has it" {
    local n
    traced -P "$dir/cow" -e trace=fcntl -- snapcheck "$dir/cow"
    n=$(grep -n -m 1 F_OFD_SETLK trace | cut -d: -f1)
    traced -P "$dir/cow" -e trace=fcntl -e "inject=fcntl:error=ENOLCK:when=$n" -- snapcheck "$dir/cow"
    grep -q 'F_OFD_SETLK.*INJECTED' trace
    assert_status 0
    traced -P "$dir/cow" -e trace=fcntl -e "inject=fcntl:error=ENOLCK:when=$n" -- snapmerge --origin origin --cow "$dir/cow"
    grep -q 'F_OFD_SETLK.*INJECTED' trace
    failed "cow: cannot lock the image: No locks available"
    assert_said "Nothing was written."
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge --drop-bad: what is given up is named in the list of --bad-list before nothing else names it, and stays there.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load pairs
    load system_calls
    need_loops
    need_strace
    in_folder
    shaped_pair random 8 100 $((8 * 130))
    loop_over cow
    # The data of the last five entries cannot be read any more.
    truncate -s $((97 * 4096)) cow
    command=(snapmerge --continue-on-error --drop-bad --bad-list bad.txt --origin origin --cow "$loop")
}

teardown() {
    loops_detach
}

# The lines for the five chunks, in the order of the origin.
expected() {
    walk cow.before ranges | awk '{ for (i = 0; i < $4; i++) if ($1 + i >= 95) print ($2 + i) * 4096, 4096, ($3 + i) * 4096, "unreadable" }' |
        sort -n
}

listed() {
    listed_in bad.txt
}

listed_in() {
    grep -v '^#' "$1"
}

left() {
    walk cow figures | cut -d ' ' -f 1
}

# naming N WHAT PROGRAM ARGUMENT...: WHAT happens when the list of a new run gets its name for the N-th time. The first
# time there is nothing to replace.
naming() {
    local calls=linkat,renameat2 n=1 what=$2
    [ "$1" -eq 1 ] || { calls=renameat && n=$(($1 - 1)); }
    shift 2
    traced -e "trace=$calls" -e "inject=$calls:$what:when=$n" -- "$@"
}

@test "killed when the list is about to be written, and when it is: what is given up is named in it, and stays so" {
    local n
    for n in 1 2 3; do
        cp origin.before origin
        dd if=cow.before of=cow bs=4096 count=97 conv=notrunc status=none
        rm -f bad.txt
        naming "$n" signal=KILL "${command[@]}"
        assert_equal "$status" 137
        # The kill comes before the renaming has any effect, or after it: either way nothing may be lost by now.
        [ "$(left)" -ge 5 ] || assert_equal "$(listed)" "$(expected)"
        program "${command[@]}"
        [ "$status" -eq 4 ] || [ "$status" -eq 0 ]
        assert_equal "$(left)" 0
        assert_equal "$(listed)" "$(expected)"
    done
}

@test "the same command again, with nothing left to merge: the list stays" {
    program "${command[@]}"
    assert_status 4
    assert_said "5 chunks were given up"
    assert_equal "$(listed)" "$(expected)"
    program "${command[@]}"
    assert_status 0
    assert_equal "$(listed)" "$(expected)"
}

@test "a chunk that cannot be read ends a merge, and the way past it is named" {
    program snapmerge --origin origin --cow "$loop" --verify
    assert_status 8
    assert_said "Input/output error"
    assert_said "To go on without the chunks on bad sectors, which FILE will list: snapmerge --origin origin --cow $loop --verify --continue-on-error --bad-list FILE"
    assert_said "Do not mount origin before the merge is complete."
    command=${stderr#*will list: }
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "${command%%$'\n'*}"
    assert_status 4
    assert_equal "$(listed_in FILE)" "$(expected)"
    # The next run has the option, and is only told how to go on.
    program snapmerge --continue-on-error --origin origin --cow "$loop"
    assert_status 4
    assert_not_said "which FILE will list"
}

@test "more bad chunks than are shown: the others are counted, and without a list it is named" {
    truncate -s $((77 * 4096)) cow
    program snapmerge --continue-on-error --origin origin --cow "$loop"
    assert_status 4
    assert_equal "$(grep -c 'does not have the snapshot' <<<"$stderr")" 10
    assert_said "15 more chunks could not be merged"
    assert_said "--bad-list FILE"
    assert_said "25 chunks remain in $loop"
    program snapmerge --continue-on-error --bad-list bad.txt --origin origin --cow "$loop"
    assert_status 4
    assert_said "15 more chunks could not be merged"
    assert_not_said "--bad-list FILE"
    assert_equal "$(listed | wc -l)" 25
}

@test "the list cannot be written: nothing is given up" {
    naming 2 error=ENOSPC "${command[@]}"
    assert_status 8
    assert_said "bad.txt"
    assert_said "No space left on device"
    assert_equal "$(left)" 5
    program "${command[@]}"
    assert_status 4
    assert_equal "$(left)" 0
    assert_equal "$(listed)" "$(expected)"
}

@test "a run that is ended early leaves the list of the one before as it was" {
    program snapmerge --continue-on-error --bad-list bad.txt --origin origin --cow "$loop"
    assert_status 4
    assert_equal "$(listed)" "$(expected)"
    naming 3 signal=KILL \
        snapmerge --continue-on-error --bad-list bad.txt --origin origin --cow "$loop"
    assert_equal "$status" 137
    assert_equal "$(listed)" "$(expected)"
}

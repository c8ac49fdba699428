#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What a program gives up before it reads what others wrote: a write elsewhere is stopped, memory is not dumped, libraries
# cannot be told to write elsewhere, and rights that the caller does not have are refused.

setup() {
    load helpers
    load work
    load images
    images_make one-entry
}

teardown() {
    open_dir_remove
}

need_strace() {
    command -v strace >/dev/null || skip "needs strace"
}

# in_force WORD: skips where this system or build has no such part of the sandbox.
in_force() {
    program snapcheck -v "$cow"
    case $1 in
    files) [[ $stderr == *"writing elsewhere is stopped"* ]] || skip "this kernel has no Landlock" ;;
    calls) [[ $stderr == *"system calls are limited"* ]] || skip "no seccomp" ;;
    esac
}

@test "what is in force is said under -v, and --no-sandbox turns it off" {
    local name
    for name in "${PROGRAMS[@]}"; do
        case $name in
        snapcreate) set -- --origin "$origin" --cow "$BATS_TEST_TMPDIR/new.img" --size 1M ;;
        snapmerge) set -- -n --origin "$origin" --cow "$cow" ;;
        *) set -- "$cow" ;;
        esac
        program "$name" -v "$@"
        assert_status 0
        assert_said "$name: sandbox: writing elsewhere is "
        rm -f "$BATS_TEST_TMPDIR/new.img"
        program "$name" -v --no-sandbox "$@"
        assert_status 0
        assert_said "$name: sandbox: off"
    done
}

# planted ARGUMENT...: snapcheck, taken over by code that writes to $victim when it reads.
planted() {
    victim=$BATS_TEST_TMPDIR/victim
    : >"$victim"
    # The loader takes a blank for the end of a name.
    cd "$BUILDDIR/tests/support" || return
    run env LD_PRELOAD=./planted_write.so PLANTED_WRITE="$victim" "$BUILDDIR/tools/snapcheck" "$@" "$cow"
}

@test "a planted write elsewhere is stopped" {
    [ -z "$WRAPPER" ] || skip "a wrapper would be taken over as well"
    [ "$SANITIZERS" = no ] || skip "the sanitizers' run time has to come first"
    in_force files
    planted --no-sandbox
    assert_equal "$(<"$victim")" planted
    planted
    assert_equal "$(<"$victim")" ""
}

@test "beside what a merge writes to, a planted write is stopped as well" {
    [ -z "$WRAPPER" ] || skip "a wrapper would be taken over as well"
    [ "$SANITIZERS" = no ] || skip "the sanitizers' run time has to come first"
    in_force files
    victim=$BATS_TEST_TMPDIR/victim
    : >"$victim"
    cd "$BUILDDIR/tests/support"
    run env LD_PRELOAD=./planted_write.so PLANTED_WRITE="$victim" "$BUILDDIR/tools/snapmerge" --yes \
        --origin "$origin" --cow "$cow"
    assert_status 0
    assert_equal "$(<"$victim")" ""
}

@test "device-mapper can still be asked which tables use a device" {
    need_strace
    in_force files
    [ -c /dev/mapper/control ] || skip "this system has no device-mapper node"
    cd "$BUILDDIR/tests/support" || return
    strace -f -qq -e trace=open,openat -o "$BATS_TEST_TMPDIR/log" -E LD_PRELOAD=./planted_write.so \
        -E PLANTED_WRITE=/dev/mapper/control "$BUILDDIR/tools/snapcheck" "$cow" || true
    grep -q '/dev/mapper/control", O_WRONLY' "$BATS_TEST_TMPDIR/log"
    ! grep '/dev/mapper/control", O_WRONLY' "$BATS_TEST_TMPDIR/log" | grep EACCES
}

@test "debug variables of libraries write nothing" {
    export LIBBLKID_DEBUG=all LIBSMARTCOLS_DEBUG=all BLKID_FILE=$BATS_TEST_TMPDIR/tab
    program snapinspect --origin "$origin" --list "$cow"
    assert_status 0
    [ "$(wc -c <<<"$stderr")" -lt 200 ]
    [ ! -e "$BLKID_FILE" ]
}

@test "debug variables of libraries are forgotten before anything is read" {
    [ -z "$WRAPPER" ] || skip "a wrapper would be taken over as well"
    [ "$SANITIZERS" = no ] || skip "the sanitizers' run time has to come first"
    local name
    for name in BLKID_CONF BLKID_FILE LIBBLKID_DEBUG LIBMOUNT_DEBUG LIBSMARTCOLS_DEBUG LIBSMARTCOLS_DEBUG_PADDING \
        LVM_LOG_FILE_EPOCH; do
        export "$name=$BATS_TEST_TMPDIR/debug" PLANTED_ASKS=$name
        planted --no-sandbox
        assert_equal "$name: $(<"$victim")" "$name: planted"
    done
    export KEPT=1 PLANTED_ASKS=KEPT
    planted --no-sandbox
    assert_equal "$(<"$victim")" kept
}

@test "a program with rights that its caller lacks refuses to run" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    open_dir_make
    cp "$BUILDDIR/tools/snapcheck" "$open_dir/setuid"
    chmod 4755 "$open_dir/setuid"
    cp "$cow" "$open_dir/cow.img"
    chmod 644 "$open_dir/cow.img"
    run --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups "$open_dir/setuid" "$open_dir/cow.img"
    [ "$status" -ne 0 ] || ! findmnt -no OPTIONS -T "$open_dir" | grep -q nosuid || skip "set-user-ID does not work here"
    assert_status 8
    assert_said "runs with rights that its caller does not have"
}

@test "a program that is killed leaves no core" {
    need_strace
    cd "$BATS_TEST_TMPDIR"
    ulimit -c unlimited
    run strace -f -o trace -e trace=prlimit64,setrlimit,prctl "$BUILDDIR/tools/snapcheck" "$cow"
    grep -qE 'RLIMIT_CORE, \{rlim_cur=0, rlim_max=0\}' trace
    grep -q 'PR_SET_NO_NEW_PRIVS, 1' trace
}

@test "root of a user namespace that has no other user sees what is on a device" {
    unshare -Ur true 2>/dev/null || skip "needs user namespaces"
    mke2fs -q -t ext2 "$BATS_TEST_TMPDIR/fs.img" 1M
    run --separate-stderr unshare -Ur "$BUILDDIR/tools/snapcreate" --origin "$BATS_TEST_TMPDIR/fs.img" \
        --cow "$BATS_TEST_TMPDIR/fs.img2" --size 1M --dry-run
    assert_status 0
    run --separate-stderr unshare -Ur "$BUILDDIR/tools/snapinspect" --json --origin "$BATS_TEST_TMPDIR/fs.img" "$cow"
    [[ $output == *ext2* ]]
}

@test "root that may not become another user sees what is on a device" {
    [ "$(id -u)" -eq 0 ] || skip "needs root"
    mke2fs -q -t ext2 "$BATS_TEST_TMPDIR/fs.img" 1M
    run --separate-stderr setpriv --bounding-set=-all "$BUILDDIR/tools/snapinspect" --json \
        --origin "$BATS_TEST_TMPDIR/fs.img" "$cow"
    [[ $output == *ext2* ]]
}

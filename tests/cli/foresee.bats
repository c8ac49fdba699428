#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A dry run refuses what the run refuses, with the same words, and leaves nothing behind.

setup() {
    load helpers
    load work
    load images
    images_make one-entry
    loops=()
}

teardown() {
    [ -z "${lock_pid-}" ] || kill "$lock_pid" 2>/dev/null || true
    loops_detach
    open_dir_remove
}

# foreseen STATUS TEXT PROGRAM ARGUMENT...: refused by the dry run as by the run, which is made with $as.
as=program
foreseen() {
    local expected=$1 text=$2 first
    shift 2
    "$as" "$1" -n "${@:2}"
    assert_status "$expected"
    assert_said "$text"
    assert_said "Nothing was written."
    first=$stderr
    "$as" "$@"
    assert_status "$expected"
    assert_equal "$stderr" "$first"
    images_unchanged
}

# The images where every user can reach them.
need_other_user() {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to become somebody else"
    open_dir_make
    cp "$cow" "$open_dir/other.img"
    mv "$cow" "$origin" "$open_dir/"
    cow=$open_dir/cow.img
    origin=$open_dir/origin.img
    chmod 666 "$cow" "$origin" "$open_dir/other.img"
    images_remember
    as=program_unprivileged
}

@test "images that may not be written to" {
    need_other_user
    chmod 644 "$origin"
    foreseen 8 "$origin: cannot open for writing: Permission denied" snapmerge --origin "$origin" --cow "$cow"
    chmod 666 "$origin"
    chmod 644 "$cow"
    foreseen 8 "$cow: cannot open for writing: Permission denied" snapmerge --origin "$origin" --cow "$cow"
    foreseen 8 "$cow: cannot open for writing: Permission denied" snapcreate -f --origin "$origin" --cow "$cow"
    program_unprivileged snapmerge -n --keep-cow --origin "$origin" --cow "$cow" # it is only read
    assert_status 0
    chmod 666 "$cow"
    chmod 644 "$open_dir/other.img"
    foreseen 8 "$open_dir/other.img: cannot open for writing: Permission denied" snapmerge \
        --preserve "$open_dir/other.img" --origin "$origin" --cow "$cow"
}

@test "folders in which no file may be made" {
    need_other_user
    local option
    for option in --undo --output --bad-list --checkpoint; do
        local more=()
        [ "$option" != --bad-list ] || more=(--continue-on-error)
        [ "$option" != --checkpoint ] || more=(--keep-cow)
        foreseen 8 "$open_dir/new: no file can be made in $open_dir/: Permission denied" snapmerge "${more[@]}" \
            "$option" "$open_dir/new" --origin "$origin" --cow "$cow"
    done
    foreseen 8 "$open_dir/new: no file can be made in $open_dir/: Permission denied" snapcreate --size 1M \
        --origin "$origin" --cow "$open_dir/new"
    foreseen 8 "$open_dir/new: no file can be made in $open_dir/: Permission denied" snapinspect \
        --extract "$open_dir/new" --origin "$origin" "$cow"
}

@test "a file system that is mounted read-only" {
    [ "$(id -u)" -eq 0 ] || skip "needs root for mounts"
    unshare -m true 2>/dev/null || skip "needs mount namespaces"
    mkdir "$BATS_TEST_TMPDIR/locked"
    local dry text=": Read-only file system"
    for dry in "" -n; do
        run --separate-stderr unshare -m bash -euc "mkdir -p \$1/fixed; mount --bind \$1/fixed \$1/locked
            cp \$1/origin.img \$1/fixed; mount -o remount,bind,ro \$1/locked
            \$2/snapmerge $dry --origin \$1/locked/origin.img --cow \$1/cow.img" bash "$BATS_TEST_TMPDIR" \
            "$BUILDDIR/tools"
        assert_status 8
        assert_said "locked/origin.img: cannot open for writing$text"
        run --separate-stderr unshare -m bash -euc "mount --bind \$1/fixed \$1/locked
            mount -o remount,bind,ro \$1/locked
            \$2/snapmerge $dry --undo \$1/locked/new --origin \$1/origin.img --cow \$1/cow.img" bash \
            "$BATS_TEST_TMPDIR" "$BUILDDIR/tools"
        assert_status 8
        assert_said "locked/new: no file can be made in "
        assert_said "$text"
        images_unchanged
    done
}

@test "read-only loop devices, as origin, COW, undo store, preserved store and output" {
    need_loops
    local text="the device is set read-only: Read-only file system"
    loop_over "$origin" --read-only
    foreseen 8 "$loop: $text" snapmerge --origin "$loop" --cow "$cow"
    loop_over "$cow" --read-only
    foreseen 8 "$loop: $text" snapmerge --origin "$origin" --cow "$loop"
    foreseen 8 "$loop: $text" snapcreate -f --origin "$view" --cow "$loop"
    foreseen 8 "$loop: $text" snapcreate --identify --origin "$origin" --cow "$loop"
    loops_detach
    truncate -s 4M "$BATS_TEST_TMPDIR/blank.img"
    loop_over "$BATS_TEST_TMPDIR/blank.img" --read-only
    foreseen 8 "$loop: $text" snapmerge --undo "$loop" --origin "$origin" --cow "$cow"
    foreseen 8 "$loop: $text" snapmerge --preserve "$loop" --origin "$origin" --cow "$cow"
    foreseen 8 "$loop: $text" snapmerge --output "$loop" --origin "$origin" --cow "$cow"
    foreseen 8 "$loop: $text" snapinspect --extract "$loop" --origin "$origin" "$cow"
}

@test "a device as output that is in use" {
    need_loops
    truncate -s 4M "$BATS_TEST_TMPDIR/blank.img"
    loop_over "$BATS_TEST_TMPDIR/blank.img"
    perl -MFcntl -e 'sysopen(my $held, $ARGV[0], O_RDONLY | O_EXCL) or die; print "held\n"; close(STDOUT); sleep 60' \
        "$loop" >"$BATS_TEST_TMPDIR/held" &
    lock_pid=$!
    while [ ! -s "$BATS_TEST_TMPDIR/held" ]; do sleep 0.05; done
    foreseen 8 "$loop: in use" snapmerge --output "$loop" --origin "$origin" --cow "$cow"
}

@test "an image that another program keeps from being written" {
    perl -e 'use Fcntl; open(my $file, "<", $ARGV[0]) or die; my $lock = pack("s s x4 q q i x4", F_RDLCK, 0, 0, 0, 0);
        fcntl($file, F_SETLK, $lock) or die; print "locked\n"; close(STDOUT); sleep 60' "$cow" \
        >"$BATS_TEST_TMPDIR/held" &
    lock_pid=$!
    while [ ! -s "$BATS_TEST_TMPDIR/held" ]; do sleep 0.05; done
    foreseen 8 "$cow: in use: another program holds a lock on it (locked by process $lock_pid (perl))" \
        snapmerge --origin "$origin" --cow "$cow"
    foreseen 8 "$cow: in use: another program holds a lock on it" snapcreate -f --origin "$origin" --cow "$cow"
}

@test "a dry run leaves no file, and no trace on those that are there" {
    local folder=$BATS_TEST_TMPDIR before option
    before=$(stat -c '%n %s %b %Y %Z' "$cow" "$origin" "$folder"/*.img && ls -A "$folder")
    for option in "" "--undo new" "--output new" "--keep-cow --checkpoint new" "--continue-on-error --bad-list new"; do
        # shellcheck disable=SC2086
        (cd "$folder" && exec "$BUILDDIR/tools/snapmerge" -nq $option --origin "$origin" --cow "$cow") >/dev/null
    done
    (cd "$folder" && exec "$BUILDDIR/tools/snapcreate" -nq --size max --origin "$origin" --cow new)
    program snapcreate -nqf --origin "$origin" --cow "$cow"
    assert_status 0
    assert_equal "$(stat -c '%n %s %b %Y %Z' "$cow" "$origin" "$folder"/*.img && ls -A "$folder")" "$before"
}

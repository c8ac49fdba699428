#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A device or image that is cut during a run: no bad sectors, and nothing is given up.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

setup_file() {
    load helpers
    load work
    load forks
    snap_and_other_once
}

setup() {
    load helpers
    load work
    load background
    load forks
    load system_calls
    in_folder
    need_strace
    snap_and_other
    pid=
    now_bytes=65536
    merge=(snapmerge --io-engine threads --origin "$dir/origin" --cow "$dir/snap")
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    loops_detach
}

# cut_at CALL PATH FILE NAME ARGUMENT...: FILE is cut when the program comes to this call for PATH.
cut_at() {
    local call=$1 path=$2 file=$3
    shift 3
    held "$call" "$path" "$@"
    before_bytes=$(stat -c %s "$file")
    truncate -s "$now_bytes" "$file"
    let_go
    end
}

# said_cut NAME
said_cut() {
    assert_status 8
    assert_said "$dir/$1: it had $before_bytes bytes when it was opened and has $now_bytes now: another program has cut this file"
}

# The list is as long as it was.
list_is_whole() {
    assert_equal "$(entries_of snap)" "$(entries_of snap.before)"
}

# --- reading ------------------------------------------------------------------------------------
@test "a COW that is cut while it is merged: its data are no bad chunks, and none is given up" {
    local options
    for options in "" "--drop-bad --accept=identity"; do
        begin_anew snap
        # shellcheck disable=SC2086
        cut_at fsync "$dir" snap "${merge[@]}" --continue-on-error --bad-list "$dir/bad.txt" $options
        said_cut snap
        assert_not_said "do not have"
        assert_not_said "remain in"
        assert_equal "$(grep -cv '^#' bad.txt)" 0
        rm bad.txt
    done
}

# Nothing is flushed there: it is the reading that must notice.
@test "a kept COW that is cut while it is merged" {
    cut_at fsync "$dir" snap "${merge[@]}" --keep-cow --checkpoint "$dir/state" --continue-on-error --bad-list "$dir/bad.txt"
    said_cut snap
    assert_equal "$(grep -cv '^#' bad.txt)" 0
}

@test "snapcheck, snapinspect: a store that is cut while it is read is not damaged" {
    cut_at pread64 "$dir/snap" snap snapcheck --data "$dir/snap"
    said_cut snap
    assert_equal "$output" ""
    # An area of the list is cut off.
    begin_anew snap
    now_bytes=4096
    cut_at pread64 "$dir/snap" snap snapcheck "$dir/snap"
    said_cut snap
    assert_equal "$output" ""
    begin_anew snap
    now_bytes=65536
    cut_at pread64 "$dir/snap" snap snapinspect --extract "$dir/image" --origin "$dir/origin" "$dir/snap"
    said_cut snap
    [ ! -e image ]
}

@test "an origin whose end is cut off is not a hole that was always there" {
    truncate -s 64M origin
    cp origin new
    contents piece 40000 piece
    dd if=piece of=new bs=4096 seek=20 conv=notrunc status=none
    rm snap
    "$BUILDDIR/tools/snapcreate" -q --origin origin --cow snap --size max --from-diff new
    now_bytes=1048576
    cut_at ftruncate "$dir/image.partial" origin snapmerge --output "$dir/image" --origin "$dir/origin" --cow "$dir/snap"
    said_cut origin
    [ ! -e image ]
}

# --- writing ------------------------------------------------------------------------------------
@test "an origin that is cut before it is written to: nothing grows back, no chunk is unwritable" {
    cut_at fsync "$dir" origin "${merge[@]}" --continue-on-error --bad-list "$dir/bad.txt"
    said_cut origin
    assert_equal "$(stat -c %s origin)" "$now_bytes"
    assert_equal "$(grep -cv '^#' bad.txt)" 0
    list_is_whole
}

@test "an origin that is cut when all is written: the flush is not believed, and the list keeps its entries" {
    cut_at fdatasync "$dir/origin" origin "${merge[@]}"
    said_cut origin
    list_is_whole
}

@test "a COW that is cut when the origin is written: the list is not cut" {
    cut_at fdatasync "$dir/origin" snap "${merge[@]}"
    said_cut snap
    list_is_whole
}

@test "preserved stores and undo stores that are cut" {
    cut_at fdatasync "$dir/other" other "${merge[@]}" --preserve "$dir/other"
    said_cut other
    list_is_whole
    cmp origin origin.before
    begin_anew origin snap other
    cut_at fsync "$dir" undo "${merge[@]}" --undo "$dir/undo"
    said_cut undo
    list_is_whole
}

@test "an output that is cut: it does not get its name" {
    cut_at fdatasync "$dir/image.partial" image.partial snapmerge --output "$dir/image" --origin "$dir/origin" --cow "$dir/snap"
    said_cut image.partial
    [ ! -e image ]
}

@test "snapcreate: a new store that is cut is none, and the images that are compared" {
    local file
    cut_at fdatasync "$dir/new" new snapcreate --origin "$dir/origin" --cow "$dir/new" --size max --from-diff "$dir/snap.view"
    said_cut new
    for file in origin snap.view; do
        begin_anew snap
        cut_at ftruncate "$dir/new" "$file" snapcreate --origin "$dir/origin" --cow "$dir/new" --size max --from-diff "$dir/snap.view"
        said_cut "$file"
        [ ! -e new ]
    done
}

# --- devices ------------------------------------------------------------------------------------
@test "a device that becomes smaller, or is taken away" {
    need_loops
    loop_over snap
    held fsync "$dir" snapmerge --io-engine threads --continue-on-error --bad-list "$dir/bad.txt" --origin "$dir/origin" --cow "$loop"
    truncate -s 16K snap
    losetup --set-capacity "$loop"
    let_go
    end
    assert_status 8
    assert_said "$loop: it had $(stat -c %s snap.before) bytes when it was opened and has 16384 now: somebody has made this device smaller"
    assert_equal "$(grep -cv '^#' bad.txt)" 0
}

@test "a read that fails because the device is gone is no bad sector" {
    local number
    for number in ENXIO ENODEV; do
        traced -P "$dir/snap" -e trace=preadv -e "inject=preadv:error=$number" -- \
            "${merge[@]}" --no-sandbox --continue-on-error --bad-list "$dir/bad.txt"
        assert_status 8
        assert_said "$dir/snap: the device was taken away: No such device"
        cmp origin origin.before
    done
}

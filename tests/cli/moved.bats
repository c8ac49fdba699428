#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A device or image that is cut during a run: no bad sectors, and nothing is given up. One that is moved, replaced or
# removed, or whose folder is: the end says what is true of what was opened, and of the name.
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

# Where nothing is read past the cache, no call is seen that reads.
need_direct() {
    dd if=snap of=/dev/null bs=4096 count=1 iflag=direct status=none 2>/dev/null || skip "needs direct I/O"
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
    need_direct
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
    assert_said "What was cut off $dir/origin is lost, and so may be what was merged."
    assert_not_said "To go on"
    assert_not_said "the snapshot is unchanged"
}

@test "an origin that is cut while the list is shortened: nobody is told that the COW may be removed" {
    cut_at fdatasync "$dir/snap" origin "${merge[@]}"
    assert_status 8
    assert_said "another program has cut this file"
    assert_said "Keep $dir/snap, and do not repeat the command"
    assert_not_said "may be removed"
    assert_not_said "To go on"
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

# --- names at the end ---------------------------------------------------------------------------
# while_held CALL PATH COMMAND NAME ARGUMENT...: COMMAND is what happens when the program comes to this call for PATH.
while_held() {
    local call=$1 path=$2 command=$3
    shift 3
    held "$call" "$path" "$@"
    eval "$command"
    let_go
    end
}

now_at="what was used is what was opened by it, and that is now at"

# pasted LINE: what stands behind the word in the line that was said.
pasted() {
    sed -n "s/^$1: \(snap.*\)/\1/p" <<<"$stderr"
}

# run_pasted LINE: as a user would, with the programs of this build; $status.
run_pasted() {
    status=0
    PATH=$BUILDDIR/tools:$PATH bash -c "$(pasted "$1")" >out 2>said </dev/null || status=$?
    stderr=$(<said)
}

@test "an origin that is moved: merged all the same, a warning, and lines with its new name" {
    while_held fdatasync "$dir/origin" "mv origin elsewhere" "${merge[@]}" --undo "$dir/undo"
    assert_status 0
    assert_said "warning: $dir/origin: nothing has this name any more; $now_at $dir/elsewhere"
    assert_said "into $dir/elsewhere in"
    cmp elsewhere snap.view
    assert_equal "$(pasted "To take it back")" \
        "snapmerge --origin $dir/elsewhere --cow $dir/undo --preserve $dir/snap"
    run_pasted "To take it back"
    assert_status 0
    cmp elsewhere origin.before
}

@test "an origin that is replaced: the name means something else, which is a failure and stays as it is" {
    while_held fdatasync "$dir/origin" "mv origin elsewhere; cp origin.before origin" "${merge[@]}"
    assert_status 8
    assert_said "snapmerge: $dir/origin: this name now means something else; $now_at $dir/elsewhere"
    cmp elsewhere snap.view
    cmp origin origin.before
}

@test "an origin that is removed: what was merged is lost, and no line names it" {
    while_held fdatasync "$dir/origin" "rm origin" "${merge[@]}" --undo "$dir/undo"
    assert_status 8
    assert_said "$dir/origin: nothing has this name any more; what was used is the file that was opened by it, which was removed: what it holds is lost when this program ends"
    assert_said "To take it back: there is no line for that, since it is not known where $dir/origin is now."
}

@test "JSON: the names that mean something else, and where what was opened is" {
    while_held fdatasync "$dir/origin" "mv origin elsewhere; rm snap; cp origin.before snap" "${merge[@]}" --json
    assert_status 8
    assert_json '.moved | length' 2
    assert_json '.moved[] | select(.path == null) | "\(.name) \(.means) \(.removed)"' "$dir/snap other true"
    assert_json '.moved[] | select(.path != null) | "\(.name) \(.means) \(.removed) \(.path)"' \
        "$dir/origin nothing false $dir/elsewhere"
    assert_json .exit_status 8
    # Nothing is said where nothing has happened.
    begin_anew snap
    cp origin.before origin
    program "${merge[@]}" --json
    assert_status 0
    assert_json 'has("moved")' false
}

@test "a merge that is stopped: the line to go on with has the new names, and goes on" {
    mkdir -p in
    cp snap in/snap
    while_held fdatasync "$dir/origin" "mv in 'moved away'; mv other third; kill -TERM \$pid" \
        snapmerge --io-engine threads --checkpoint-interval 1 --rate-limit 64K --preserve "$dir/other" \
        --continue-on-error --bad-list "$dir/in/bad.txt" --origin "$dir/origin" --cow "$dir/in/snap"
    assert_status 32
    assert_said "warning: $dir/in/snap: nothing has this name any more; $now_at $dir/moved away/snap"
    assert_said "warning: $dir/in/bad.txt: nothing has this name any more; $now_at $dir/moved away/bad.txt"
    assert_said "warning: $dir/other: nothing has this name any more; $now_at $dir/third"
    [[ $(pasted "To go on") == *"--cow '$dir/moved away/snap'"*"--bad-list '$dir/moved away/bad.txt' --preserve $dir/third"* ]]
    run_pasted "To go on"
    assert_status 0
    cmp origin snap.view
    cp origin.before origin
    shows third other.view
}

@test "a failure: no line to go on with where a store is gone" {
    while_held fdatasync "$dir/origin" "rm snap; truncate -s 64K origin" "${merge[@]}"
    assert_status 8
    assert_said "$dir/snap: nothing has this name any more; what was used is the file that was opened by it, which was removed"
    assert_said "What was cut off $dir/origin is lost"
    assert_not_said "To go on: snapmerge"
    assert_not_said "To go on: snapmerge"
}

@test "a refusal says it, too" {
    need_direct
    while_held pread64 "$dir/snap" "mv snap elsewhere; cp origin snap" \
        snapmerge --checkpoint "$dir/none/state" --keep-cow --origin "$dir/origin" --cow "$dir/snap"
    assert_status 8
    assert_said "Nothing was written."
    assert_said "warning: $dir/snap: this name now means something else; $now_at $dir/elsewhere"
}

@test "an undo store and a checkpoint in a folder that is moved away" {
    mkdir folder
    while_held fdatasync "$dir/origin" "mv folder moved" "${merge[@]}" --keep-cow --undo "$dir/folder/undo" \
        --checkpoint "$dir/folder/state"
    assert_status 0
    assert_said "warning: $dir/folder/undo: nothing has this name any more; $now_at $dir/moved/undo"
    assert_said "warning: $dir/folder/state: nothing has this name any more; $now_at $dir/moved/state"
    cmp origin snap.view
    run_pasted "To take it back"
    assert_status 0
    cmp origin origin.before
}

@test "an undo store that is made while its folder is moved, and one that is removed" {
    mkdir folder
    while_held linkat,renameat2 "$dir/folder" "mv folder moved; mkdir folder" "${merge[@]}" --undo "$dir/folder/undo"
    assert_status 0
    assert_said "warning: $dir/folder/undo: nothing has this name any more; $now_at $dir/moved/undo"
    assert_said "To take it back: snapmerge --origin $dir/origin --cow $dir/moved/undo --preserve $dir/snap"
    begin_anew origin snap
    while_held fdatasync "$dir/origin" "rm folder/undo" "${merge[@]}" --undo "$dir/folder/undo"
    assert_status 8
    assert_said "$dir/folder/undo: nothing has this name any more; what was used is the file that was opened by it, which was removed"
    assert_said "To take it back: there is no line for that"
}

@test "an undo store that has only another name: there is no line to take the merge back, and that is a failure" {
    while_held fdatasync "$dir/origin" "ln undo second; rm undo" "${merge[@]}" --undo "$dir/undo"
    assert_status 8
    assert_said "$dir/undo: nothing has this name any more; what was used is what was opened by it, and where that is now is not known"
    assert_said "To take it back: there is no line for that, since it is not known where $dir/undo is now."
    program snapmerge --origin origin --cow second --preserve snap
    assert_status 0
    cmp origin origin.before
}

@test "an undo store that is cut when it was needed no more: no line to take the merge back" {
    cut_at fdatasync "$dir/origin" undo "${merge[@]}" --undo "$dir/undo"
    said_cut undo
    assert_said "To take it back: there is no line for that, since a part of $dir/undo was cut off."
    cmp origin snap.view
}

@test "an output whose folder is moved away: it is named where it is, complete or not" {
    mkdir folder
    while_held ftruncate "$dir/folder/image.partial" "mv folder moved" \
        snapmerge --output "$dir/folder/image" --origin "$dir/origin" --cow "$dir/snap" --json
    assert_status 0
    assert_said "warning: $dir/folder/image: nothing has this name any more; $now_at $dir/moved/image"
    assert_said "to $dir/moved/image:"
    assert_json .result.output.path "$dir/moved/image"
    cmp moved/image snap.view
    mkdir folder
    while_held ftruncate "$dir/folder/image.partial" "mv folder again; truncate -s 64K snap" \
        snapmerge --output "$dir/folder/image" --origin "$dir/origin" --cow "$dir/snap"
    assert_status 8
    assert_said "$dir/again/image.partial is incomplete"
    assert_said "To go on: rm $dir/again/image.partial && snapmerge --origin $dir/origin --cow $dir/snap --output $dir/again/image"
}

@test "an output that is moved away itself, or replaced" {
    while_held fdatasync "$dir/image.partial" "mv image.partial mine; truncate -s 64K origin" \
        snapmerge --output "$dir/image" --origin "$dir/origin" --cow "$dir/snap"
    assert_status 8
    assert_said "$dir/image.partial: nothing has this name any more; $now_at $dir/mine"
    [ ! -e image ]
}

@test "snapcreate: a new store whose folder is moved away; tables have the names of now" {
    mkdir folder
    while_held fdatasync "$dir/folder/new" "mv folder moved" \
        snapcreate --print-table P --origin "$dir/origin" --cow "$dir/folder/new" --size max
    assert_status 0
    assert_said "warning: $dir/folder/new: nothing has this name any more; $now_at $dir/moved/new"
    [[ $output == *"$dir/moved/new"* ]]
    [[ $output != *"$dir/folder/new"* ]]
    program snapcheck moved/new
    assert_status 0
}

@test "snapcheck, snapinspect: a store that is replaced while it is read" {
    local name
    need_direct
    for name in snapcheck snapinspect; do
        begin_anew snap
        while_held pread64 "$dir/snap" "mv snap elsewhere; cp origin snap" "$name" "$dir/snap"
        assert_status 0
        assert_said "warning: $dir/snap: this name now means something else; $now_at $dir/elsewhere"
    done
    # Only the space for its data is cut off; nothing reads it.
    begin_anew snap
    cut_at pread64 "$dir/snap" snap snapcheck "$dir/snap"
    said_cut snap
    assert_equal "$output" ""
}

@test "names that only look different: links and other nodes of the same device are as good" {
    need_loops
    ln -s origin link
    while_held fdatasync "$dir/origin" "ln -sf '$dir/origin' link" \
        snapmerge --io-engine threads --origin "$dir/link" --cow "$dir/snap"
    assert_status 0
    assert_not_said "this name"
    begin_anew origin snap
    loop_over snap
    cp -a "$loop" node
    while_held fdatasync "$dir/origin" "rm node; cp -a $loop node" \
        snapmerge --io-engine threads --origin "$dir/origin" --cow "$dir/node"
    assert_status 0
    assert_not_said "this name"
    begin_anew origin
    cp snap.before snap
    while_held fdatasync "$dir/origin" "rm node; mknod node b 7 250" \
        snapmerge --io-engine threads --origin "$dir/origin" --cow "$dir/node"
    assert_status 8
    assert_said "$dir/node: this name now means something else"
}

@test "a bad list for which there is no room at the end is a failure, whatever its name means" {
    need_loops # and so the right to mount
    mkdir there
    mount -t tmpfs -o size=64k none there
    while_held fdatasync "$dir/origin" "dd if=/dev/zero of=there/filler bs=4096 status=none || true" "${merge[@]}" \
        --continue-on-error --bad-list "$dir/there/bad.txt"
    umount there
    assert_status 8
    assert_said "No space left on device"
    cmp origin snap.view
}

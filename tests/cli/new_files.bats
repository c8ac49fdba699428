#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Files that the programs make: nobody else's file is removed or replaced, and what was written is said.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load background
    load system_calls
    in_folder
    pid=
    recipe one-entry
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    loops_detach
    open_dir_remove
}

recipe() {
    rm -f cow origin view
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
    cp cow cow.before
    cp origin origin.before
}

# --- names that happen to look like ours --------------------------------------------------------
@test "a COW, an origin, and a file of nobody, named as temporary files were named once, stay" {
    mv cow ck.dmsnap-new
    program snapmerge --origin origin --cow ck.dmsnap-new --keep-cow --checkpoint ck
    assert_status 0
    cmp ck.dmsnap-new cow.before
    cmp origin view
    [ -e ck ]

    recipe one-entry
    mv origin y.dmsnap-new
    program snapmerge --origin y.dmsnap-new --cow cow --continue-on-error --bad-list y
    assert_status 0
    cmp y.dmsnap-new view
    [ -e y ]

    recipe one-entry
    echo mine >mine.dmsnap-new
    program snapmerge --origin origin --cow cow --keep-cow --checkpoint mine
    assert_status 0
    assert_equal "$(<mine.dmsnap-new)" mine
    echo undo >u.dmsnap-new
    program snapmerge --origin origin --cow cow --undo u
    assert_status 0
    assert_equal "$(<u.dmsnap-new)" undo
}

@test "a run leaves no temporary file, neither when it ends nor when it is killed while it writes one" {
    local call
    need_strace
    traced -e trace=openat -- snapmerge --origin origin --cow cow --keep-cow --checkpoint ck
    assert_status 0
    grep -q O_TMPFILE trace
    ! grep -q 'O_TMPFILE.* = -1' trace || skip "needs a file system with O_TMPFILE"
    rm trace ck
    local before
    before=$(ls -A)
    for call in write fsync linkat; do
        recipe one-entry
        run timeout 60 "${tracer[@]}" -o /dev/null -e "trace=$call" -e "inject=$call:signal=SIGKILL" \
            "$BUILDDIR/tools/snapmerge" --quiet --origin origin --cow cow --keep-cow --checkpoint ck
        assert_equal "$(ls -A)" "$before"
        run timeout 60 "${tracer[@]}" -o /dev/null -e "trace=$call" -e "inject=$call:signal=SIGKILL" \
            "$BUILDDIR/tools/snapmerge" --quiet --origin origin --cow cow --undo u
        rm -f u
        assert_equal "$(ls -A)" "$before"
    done
}

@test "a file that cannot take the place of the one before: that one stays, and no temporary file" {
    need_strace
    echo "# snapmerge bad list 1" >list
    : >trace
    remember list origin cow
    traced -e trace=renameat -e inject=renameat:error=EIO -- \
        snapmerge --origin origin --cow cow --continue-on-error --bad-list list
    assert_status 8
    assert_said "list: the new file cannot get this name: Input/output error"
    assert_said "Nothing was written."
    assert_untouched
}

@test "a file that took the name during the run is not replaced, and that is said" {
    recipe areas-chunks
    start --rate-limit 1M --continue-on-error --bad-list list
    until_true test -e list
    rm list
    echo precious >list
    end
    assert_status 8
    assert_said "list: is not the file that was there before: it is not replaced"
    assert_equal "$(<list)" precious
}

# --- a folder that cannot be read, or not be flushed --------------------------------------------
@test "a folder that cannot be read: all files are made there, and their names are durable" {
    local user=()
    open_dir_make
    cp cow origin "$open_dir"
    chmod 666 "$open_dir"/*
    mkdir -m 333 "$open_dir/folder"
    [ "$(id -u)" -eq 0 ] || chmod 300 "$open_dir/folder"
    local pair=(--origin "$open_dir/origin" --cow "$open_dir/cow") new=$open_dir/folder
    program_unprivileged snapmerge "${pair[@]}" --keep-cow --checkpoint "$new/ck"
    assert_status 0
    cp origin "$open_dir/origin"
    program_unprivileged snapmerge "${pair[@]}" --output "$new/out"
    assert_status 0
    program_unprivileged snapinspect --origin "$open_dir/origin" --extract "$new/image" "$open_dir/cow"
    assert_status 0
    program_unprivileged snapcreate --origin "$open_dir/origin" --cow "$new/cow" --size max
    assert_status 0
    program_unprivileged snapmerge "${pair[@]}" --undo "$new/undo" --continue-on-error --bad-list "$new/list"
    assert_status 0
    assert_not_said "Nothing was written."
    chmod 700 "$open_dir/folder"
    assert_equal "$(cd "$new" && echo *)" "ck cow image list out undo"
    cmp "$new/out" view
    cmp "$new/image" view
    cmp "$open_dir/origin" view
}

# flush_fails FILE PROGRAM ARGUMENT...: the folder of the new file cannot be flushed.
flush_fails() {
    local file=$1
    shift
    traced -P "$dir/folder" -e trace=fsync -e inject=fsync:error=EIO -- "$@"
    assert_status 8
    assert_said "$file: is there with its content, but its name may not survive a power failure: the folder cannot be flushed: Input/output error"
    assert_not_said "Nothing was written."
    [ -e "$file" ]
}

@test "a folder that cannot be flushed: the file is there, and that is what is said" {
    local pair=(--origin origin --cow cow)
    need_strace
    mkdir folder
    flush_fails folder/ck snapmerge "${pair[@]}" --keep-cow --checkpoint folder/ck
    assert_said "folder/ck was written."
    assert_said "Nothing was written to origin, and no entry of cow was changed."
    head -n 1 folder/ck | grep -qx "dmsnap-checkpoint 1"
    flush_fails folder/list snapmerge "${pair[@]}" --continue-on-error --bad-list folder/list
    assert_said "folder/list was written."
    flush_fails folder/undo snapmerge "${pair[@]}" --undo folder/undo
    cmp origin origin.before
    flush_fails folder/image snapinspect --origin origin --extract folder/image cow
    cmp folder/image view
    flush_fails folder/cow snapcreate --origin origin --cow folder/cow --size max
    program snapcheck --origin origin folder/cow
    assert_status 0
    flush_fails folder/out snapmerge "${pair[@]}" --output folder/out
    assert_said "The output is complete, as folder/out."
    cmp folder/out view
    # The same command goes on with what is there.
    program snapmerge "${pair[@]}" --undo folder/undo
    assert_status 0
    cmp origin view
}

@test "a file system that cannot flush folders (EINVAL) has nothing to do" {
    need_strace
    mkdir folder
    traced -P "$dir/folder" -e trace=fsync -e inject=fsync:error=EINVAL -- \
        snapmerge --origin origin --cow cow --undo folder/undo --continue-on-error --bad-list folder/list
    assert_status 0
    grep -q INJECTED trace
}

@test "without /proc a new file is opened by its name" {
    [ "$(id -u)" -eq 0 ] && unshare -m true 2>/dev/null || skip "needs root and a mount namespace"
    # shellcheck disable=SC2086
    run --separate-stderr unshare -m bash -c 'mount -t tmpfs none /proc && exec "$@"' bash \
        $WRAPPER "$BUILDDIR/tools/snapinspect" --origin origin --extract image cow
    assert_status 0
    cmp image view
}

# --- what is described is what is opened --------------------------------------------------------
@test "an image that is swapped for a pipe after it was looked up: what was looked up is used, nothing hangs" {
    need_strace
    : >said
    # Without the sandbox, which looks at the name before: it is the program's own look that counts here.
    timeout 60 "${tracer[@]}" -f -P "$dir/origin" -o trace -e trace=openat,stat,newfstatat \
        -e inject=openat,stat,newfstatat:delay_exit=1500000 \
        "$BUILDDIR/tools/snapmerge" --no-sandbox --origin "$dir/origin" --cow cow >out 2>said 3>&- &
    pid=$!
    until_true grep -q origin trace
    mv origin origin.moved
    mkfifo origin
    end
    assert_status 8
    assert_said "origin: this name now means something else; what was used is what was opened by it, and that is now at $dir/origin.moved"
    cmp origin.moved view
}

# The node is exchanged between the look at what is on the device and the opening, in a /dev of the test's own.
@test "a device found by its UUID whose node is another device's by then: the one with the UUID is used" {
    need_strace
    need_loops
    unshare -m true 2>/dev/null || skip "needs mount namespaces"
    local uuid=3b1d5c52-6d2a-4d5f-9f39-52b1f0c5a001 right wrong
    rm -f origin cow view
    truncate -s 4M view other
    mke2fs -q -t ext2 -U "$uuid" view
    cp view origin
    contents inside 2000000 new
    debugfs -w -R "write inside inside" view >/dev/null 2>&1
    program snapcreate --origin origin --cow cow --size 8M --from-diff view
    assert_status 0
    loop_over origin
    right=$loop
    loop_over other
    wrong=$loop
    : >said
    # shellcheck disable=SC2016,SC2086
    timeout 60 unshare -m bash -euc '
        right=$1 wrong=$2 uuid=$3
        shift 3
        mkdir nodes
        cp -a "$right" "$wrong" /dev/null /dev/zero /dev/urandom /dev/loop-control nodes/
        mount --bind nodes /dev
        exec "$@" --origin "UUID=$uuid" --cow cow' bash "$right" "$wrong" "$uuid" \
        "${tracer[@]}" -f -P "$right" -o trace -e trace=openat,close -e inject=close:delay_exit=1500000:when=1 \
        $WRAPPER "$BUILDDIR/tools/snapmerge" --no-sandbox --rate-limit 64M >out 2>said 3>&- &
    pid=$!
    until_true grep -q "$right" trace
    mv "nodes/${wrong#/dev/}" "nodes/${right#/dev/}"
    end
    assert_status 8
    assert_said "$right: this name now means something else"
    loops_detach
    cmp origin view
    cmp other <(head -c 4M /dev/zero)
}

# --- whoever owns the folder --------------------------------------------------------------------
# attacked NAME PROGRAM ARGUMENT...: while it runs, each new file in `folder` is exchanged for a link to `victim`. Several
# times: who is faster is a matter of luck. The victim stays as it is; the program says that the name is another file, or it
# was faster.
attacked() {
    local name=$1 try swapper exchanged=0
    shift
    for try in 1 2 3 4 5; do
        rm -rf folder
        mkdir folder
        recipe areas-chunks
        : >swapped
        head -c 10000000 /dev/zero >victim
        "$BUILDDIR/tests/support/swapper" folder "$dir/victim" 60 >swapped 3>&- &
        swapper=$!
        pid=$swapper
        until_true grep -q ready swapped
        program "$@"
        sleep 0.1
        kill "$swapper"
        wait "$swapper" || true
        pid=
        cmp -n 10000000 victim /dev/zero
        assert_equal "$(stat -c %s victim)" 10000000
        ! grep -q "^$name" swapped || exchanged=$((exchanged + 1))
        [ "$status" -eq 0 ] || assert_status 8
        [ "$status" -eq 0 ] || [[ $stderr =~ removed\ or\ replaced|is\ not\ the\ file\ that\ was|this\ name\ now\ means\ something\ else ]]
    done
    [ "$exchanged" -ge 3 ]
}

@test "the new file of --output is exchanged for a link: the victim stays, and the program notices" {
    attacked new.partial snapmerge --origin origin --cow cow --output folder/new
    [ "$status" -eq 8 ]
    cmp folder/new.partial.stolen view
    assert_said "do not use what is there"
}

@test "the undo store is exchanged for a link: the victim stays, no wrong way back is offered, the store is whole" {
    attacked undo snapmerge --origin origin --cow cow --undo folder/undo
    [ "$status" -eq 8 ]
    # The way back is the store itself, wherever it is, or none.
    [[ $stderr != *"To take it back: snapmerge"* || $stderr == *"--cow $dir/folder/undo.stolen "* ]]
    [ -e folder/undo.stolen ] || skip "needs a file system with O_TMPFILE: elsewhere the store is not placed"
    program snapcheck folder/undo.stolen
    assert_status 0
}

@test "the image of --extract is exchanged for a link: the victim stays, and the program notices" {
    attacked new snapinspect --origin origin --extract folder/new cow
    [ "$status" -eq 8 ]
}

@test "the image of snapcreate is exchanged for a link: the victim stays, and the program notices" {
    attacked new snapcreate --origin origin --cow folder/new --size 64M
    [ "$status" -eq 8 ]
}

@test "checkpoint file and bad list are exchanged for a link: the victim stays" {
    attacked ck snapmerge --origin origin --cow cow --keep-cow --checkpoint folder/ck
    attacked list snapmerge --origin origin --cow cow --continue-on-error --bad-list folder/list
}

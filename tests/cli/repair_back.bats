#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A repair can be taken back: where the old bytes go, when they are written, and snapcheck --put-back.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load system_calls
    load repairs
    in_folder
}

teardown() {
    loops_detach
}

@test "the old bytes: durable before the first write, for their owner alone, under a name of their own" {
    recipe new-top-byte
    traced -e trace=fsync,fdatasync,linkat,pwrite64,pwritev,pwritev2,write,io_uring_enter -- \
        snapcheck -y --accept=view-change cow
    assert_status 1
    traced_calls >calls
    perl -ne '
        $named = $. if /^linkat\(/;
        $folder = $. if $named && !$folder && /^f(data)?sync\(\d+<[^>]*>\)/ && $. > $named;
        $first = $. if !$first && /^(pwrite|pwritev|io_uring_enter)\w*\(\d+<[^>]*\/cow>/;
        END { exit !($named && $folder && (!$first || $first > $folder)) }' calls
    assert_equal "$(stat -c %a cow.old-bytes)" 600
    cp cow.before cow
    all_accepted
    assert_status 1
    assert_said "cow.old-bytes.1: holds what is overwritten on cow"
    assert_said "snapcheck --put-back cow.old-bytes.1 cow"
    program snapcheck --put-back cow.old-bytes.1 cow
    cmp cow cow.before
    all_accepted --save-old cow.old-bytes
    assert_status 8
    assert_said "cow.old-bytes: it exists already"
    cmp cow cow.before
    all_accepted --save-old elsewhere
    assert_status 1
    [ -s elsewhere ]
}

@test "a block device: a place for the old bytes is asked for" {
    need_loops
    export DMSNAP_STATE_FOLDER=$PWD/none
    recipe new-top-byte
    loop_over cow
    cow_device=${loops[0]}
    program snapcheck -y --accept=view-change "$cow_device"
    assert_status 8
    assert_said "--save-old FILE"
    assert_said "Nothing was written."
    program snapcheck -n -y --accept=view-change --origin origin "$cow_device"
    assert_status 4
    assert_said "To mend it: snapcheck -y --accept=view-change --save-old FILE --origin origin $cow_device"
    assert_not_said "is not yours alone"
    program snapcheck -n -y --accept=view-change --no-save-old "$cow_device"
    assert_said "To mend it: snapcheck -y --accept=view-change --no-save-old $cow_device"
    program snapcheck -y --accept=view-change --save-old old "$cow_device"
    assert_status 1
    program snapcheck --put-back old "$cow_device"
    assert_status 0
    cmp "$cow_device" cow.before
    program snapcheck -y --accept=view-change --no-save-old "$cow_device"
    assert_status 1
    assert_equal "$(ls)" "$(printf '%s\n' cow cow.before old origin view)"
}

# The folder for state: `state`, which is ours.
@test "a block device: the old bytes go to the folder for state, if that one lasts and is ours" {
    need_loops
    recipe new-top-byte
    mkdir -m 700 state
    export DMSNAP_STATE_FOLDER=$PWD/state
    [ "$(stat -f -c %T state)" != tmpfs ] || skip "this folder is in memory"
    loop_over cow
    cow_device=${loops[0]}
    local old
    old=state/cow-$(stat -c %i cow).old-bytes
    program snapcheck -y --accept=view-change "$cow_device"
    assert_status 1
    assert_said "$PWD/$old: holds what is overwritten on $cow_device"
    assert_said "snapcheck --put-back $PWD/$old $cow_device"
    program snapcheck --put-back "$PWD/$old" "$cow_device"
    assert_status 0
    cmp "$cow_device" cow.before
    program snapcheck -y --accept=view-change "$cow_device"
    assert_status 1
    assert_said "$old.1: holds what is overwritten"
    program snapcheck --put-back "$old.1" "$cow_device"
    cmp "$cow_device" cow.before
    # Another store in the same file, and another file of that name.
    (head -c 4096 /dev/zero; cat cow.before) >both
    loop_over both --offset 4096
    program snapcheck -y --accept=view-change "$loop"
    assert_said "state/both-$(stat -c %i both)-4096.old-bytes: holds what is overwritten on $loop"
    mkdir there
    cp cow.before there/cow
    loop_over there/cow
    program snapcheck -y --accept=view-change "$loop"
    assert_said "state/cow-$(stat -c %i there/cow).old-bytes: holds what is overwritten on $loop"
    chmod 770 state
    program snapcheck -y --accept=view-change "$cow_device"
    assert_status 8
    assert_said "$PWD/state is not there, is not yours alone, or would not last"
    DMSNAP_STATE_FOLDER=/dev/shm/dmsnap.$$
    mkdir -m 700 "$DMSNAP_STATE_FOLDER"
    program snapcheck -y --accept=view-change "$cow_device"
    rmdir "$DMSNAP_STATE_FOLDER"
    assert_status 8
    assert_said "--save-old FILE"
    cmp "$cow_device" cow.before
}

@test "killed at each write and flush: nothing sound is lost, a repeated command ends it, and it can be taken back" {
    need_strace
    recipe areas-chunks
    local index n saved=0
    for index in 0 255 256 399 599; do entry "$index" $((1 + 3 * index)) 99999; done
    cp cow cow.before
    program snapcheck -y --accept=view-change --no-save-old cow
    assert_status 1
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract expected cow
    for ((n = 1; n < 200; n++)); do
        cp cow.before cow
        rm -f old
        traced -e "inject=io_uring_enter,preadv,pread64,pwritev,pwrite64,fdatasync:signal=KILL:when=$n" -- \
            snapcheck -y --accept=view-change --save-old "$dir/old" "$dir/cow"
        [ "$status" -eq 137 ] || break
        if [ ! -e old ]; then
            cmp cow cow.before
            continue
        fi
        saved=$((saved + 1))
        cp cow cow.killed
        program snapcheck --put-back old cow
        assert_status 0
        cmp cow cow.before
        cp cow.killed cow
        program snapcheck -y --accept=view-change --no-save-old cow
        [ "$status" -le 1 ]
        program snapcheck cow
        assert_status 0
        assert_shown "free chunks: clean"
        rm -f shown
        "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
        cmp shown expected
    done
    echo "# killed $n times, $saved times with old bytes"
    [ "$saved" -ge 8 ]
}

# fails_at CALL N OPTION...: a run of snapcheck on cow in which the N-th such call of a thread fails; false behind the
# last one. Without io_uring each write is a call.
fails_at() {
    local errors=(EIO ENOSPC) call=$1 n=$2
    shift 2
    traced -e "trace=io_uring_setup,$call" -e inject=io_uring_setup:error=ENOSYS \
        -e "inject=$call:error=${errors[n % 2]}:when=$n" -- snapcheck "$@" "$dir/cow"
    grep "INJECTED" trace | grep -qv io_uring_setup
}

@test "each write and flush of a repair fails in turn: it is said, a rerun ends it, the old bytes come back" {
    need_strace
    recipe areas-chunks
    local index call n failed=0
    for index in 0 255 599; do entry "$index" $((1 + 3 * index)) 99999; done
    cp cow cow.before
    program snapcheck -y --accept=view-change --no-save-old cow
    "$BUILDDIR/tools/snapinspect" -q --origin origin --extract expected cow
    for call in fsync linkat pwritev,pwrite64,pwritev2 fdatasync; do
        for ((n = 1; n < 50; n++)); do
            cp cow.before cow
            rm -f old
            fails_at "$call" "$n" -y --accept=view-change --save-old "$dir/old" || break
            failed=$((failed + 1))
            assert_status 8
            [[ $stderr == *"Input/output error"* || $stderr == *"No space left"* ]]
            if [ ! -e old ]; then
                cmp cow cow.before
                assert_said "Nothing was written."
            fi
            cp cow cow.failed
            program snapcheck -y --accept=view-change --no-save-old cow
            [ "$status" -le 1 ]
            program snapcheck cow
            assert_status 0
            rm -f shown
            "$BUILDDIR/tools/snapinspect" -q --origin origin --extract shown cow
            cmp shown expected
            [ -e old ] || continue
            cp cow.failed cow
            program snapcheck --put-back old cow
            assert_status 0
            cmp cow cow.before
        done
    done
    echo "# failed $failed times"
    [ "$failed" -ge 5 ]
}

@test "--put-back: each write and flush fails in turn, and it is killed at each: repeated, it ends in the same place" {
    need_strace
    recipe areas-chunks
    local index call n stopped=0
    for index in 0 255 599; do entry "$index" $((1 + 3 * index)) 99999; done
    cp cow cow.before
    program snapcheck -y --accept=view-change --save-old old cow
    cp cow cow.mended
    for call in pwritev,pwrite64,pwritev2 fdatasync; do
        for ((n = 1; n < 50; n++)); do
            cp cow.mended cow
            fails_at "$call" "$n" --put-back "$dir/old" || break
            stopped=$((stopped + 1))
            assert_status 8
            program snapcheck --put-back old cow
            assert_status 0
            cmp cow cow.before
        done
    done
    for ((n = 1; n < 50; n++)); do
        cp cow.mended cow
        traced -e inject=io_uring_setup:error=ENOSYS \
            -e "inject=pwritev,pwrite64,pwritev2,fdatasync:signal=KILL:when=$n" -- \
            snapcheck --put-back "$dir/old" "$dir/cow"
        [ "$status" -eq 137 ] || break
        stopped=$((stopped + 1))
        program snapcheck --put-back old cow
        assert_status 0
        cmp cow cow.before
    done
    echo "# stopped $stopped times"
    [ "$stopped" -ge 5 ]
}

@test "the old bytes and their name are durable before the first write, and the store at the end" {
    need_strace
    recipe new-top-byte
    traced -e trace=fsync,fdatasync,syncfs,linkat,renameat,renameat2,write,pwrite64,pwritev,pwritev2 -- \
        snapcheck -y --accept=view-change cow
    assert_status 1
    # Of the file with the old bytes: writes (w), flush (f), name (n) and folder (d); then flushes of the store
    # (S): with io_uring its writes are no calls.
    calls=$(traced_calls | perl -ne '
        print m{^fsync\(\d+<[^>]*/cow>|^fdatasync\(\d+<[^>]*/cow>} ? "S" : m{^write\(\d+<[^>]*/#\d+} ? "w"
            : m{^fsync\(\d+<[^>]*/#\d+} ? "f" : m{^(linkat|rename)} ? "n" : m{^(fsync|syncfs)\(} ? "d" : "";')
    echo "# $calls"
    [[ $calls =~ ^w+fndS+$ ]]
}

@test "--put-back: foreign, damaged and outdated files, and pipes, are refused; nothing is written" {
    recipe new-top-byte
    all_accepted
    assert_status 1
    cp cow cow.mended
    cp cow.old-bytes damaged
    printf x | dd of=damaged bs=1 seek=700 conv=notrunc status=none
    program snapcheck --put-back damaged cow
    assert_status 8
    assert_said "damaged: it is damaged, or was cut off"
    program snapcheck --put-back view cow
    assert_status 8
    assert_said "view: it is no file of old bytes"
    mkfifo pipe
    program snapcheck --put-back pipe cow
    assert_status 8
    cmp cow cow.mended
    entry 4 50 6
    cp cow cow.used
    program snapcheck --put-back cow.old-bytes cow
    assert_status 8
    assert_said "was changed since its old bytes were saved in cow.old-bytes"
    assert_said "Nothing was written."
    cmp cow cow.used
    recipe areas-chunks
    cp cow other
    recipe new-top-byte
    all_accepted
    program snapcheck --put-back cow.old-bytes other
    assert_status 8
    assert_said "other"
    program snapcheck -n --put-back cow.old-bytes cow
    assert_status 0
    assert_said "would be what they were before the repair"
    cmp cow cow.mended
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge --verify and --skip-identical: what was written is read back, and what is there already is not written.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup_file() {
    load helpers
    load work
    load forks
    snap_and_other_once
}

setup() {
    load helpers
    load work
    load forks
    load system_calls
    in_folder
    snap_and_other
    mounted=
}

teardown() {
    [ -z "$mounted" ] || umount "$mounted"
}

merge() {
    program snapmerge "$@" --origin origin --cow snap
}

@test "--verify: all that was written is read back, past the cache" {
    merge --json --verify
    assert_status 0
    assert_json '.result | "\(.written_bytes) \(.verified_bytes)"' "$(snap_bytes) $(snap_bytes)"
    assert_said "verified: "
    cmp origin snap.view
}

# A disk that takes a write and does nothing. Each write is one chunk: their neighbours are not in the store.
lying_disk() {
    perl -e '
        open(my $in, "<:raw", "origin.before") or die;
        open(my $out, ">:raw", "snap.view") or die;
        for (my $at = 0; read($in, my $chunk, 4096); $at++) { $chunk = reverse($chunk) if $at % 4 == 1; print $out $chunk }'
    rm snap
    "$BUILDDIR/tools/snapcreate" -q --origin origin --cow snap --size max --from-diff snap.view
    traced -P "$PWD/origin" -e inject=pwrite64,pwritev,pwritev2:retval=4096:when=5..9 -- \
        snapmerge "$@" --io-engine threads --queue-depth 1 --origin origin --cow snap
}

@test "--verify on a disk that loses writes: the merge ends, and the snapshot still has the right data" {
    need_strace
    lying_disk --seeks free
    assert_status 0
    run ! cmp -s origin snap.view # nobody else would have noticed
    cp origin.before origin
    lying_disk --seeks free --verify
    assert_status 8
    assert_said "origin: "
    assert_said "the snapshot is unchanged"
    assert_said "To go on: "
    shows snap snap.view
    merge --verify
    assert_status 0
    cmp origin snap.view
}

@test "--skip-identical: the same once more writes nothing, and is flushed all the same" {
    need_strace
    merge
    cp snap.before snap
    traced -e trace=fsync,fdatasync,write,pwrite64,pwritev,pwritev2 -- \
        snapmerge --json --skip-identical --io-engine threads --origin origin --cow snap
    assert_status 0
    assert_json '.result | "\(.written_bytes) \(.equal_bytes) \(.entries_left)"' "0 $(snap_bytes) 0"
    assert_equal "$(traced_sum 'write|pwrite64|pwritev2?' origin)" 0
    [ "$(traced_count 'fsync|fdatasync' origin)" -ge 1 ]
    assert_said "were on origin already and were not written"
    assert_equal "$(entries_of snap)" 0
    cmp origin snap.view
}

@test "--skip-identical: what differs is written, and nothing else" {
    local first second
    merge
    cp snap.before snap
    # Two chunks of the list.
    first=$(walk snap ranges | awk 'NR == 2 { print $2 }')
    second=$(walk snap ranges | awk 'NR == 5 { print $2 }')
    printf x | dd of=origin bs=1 seek=$((first * 4096 + 4095)) conv=notrunc status=none
    printf x | dd of=origin bs=1 seek=$((second * 4096)) conv=notrunc status=none
    merge --json --skip-identical --verify
    assert_status 0
    assert_json '.result | "\(.written_bytes) \(.equal_bytes)"' "8192 $(($(snap_bytes) - 8192))"
    cmp origin snap.view
}

@test "--verify and --skip-identical where the origin cannot be read past the cache: refused" {
    need_loops
    local option
    mkdir mounted
    mount -t ramfs ramfs mounted || skip "needs the right to mount"
    mounted=$PWD/mounted
    cp origin mounted/origin
    for option in --verify --skip-identical; do
        program snapmerge "$option" --origin mounted/origin --cow snap
        assert_status 8
        assert_said "mounted/origin: it cannot be read past the page cache here"
        assert_said "leave $option out"
        assert_said "Nothing was written."
        cmp mounted/origin origin.before
        cmp snap snap.before
    done
    program snapmerge --origin mounted/origin --cow snap
    assert_status 0
    cmp mounted/origin snap.view
}

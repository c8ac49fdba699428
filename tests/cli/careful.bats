#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge's care: what it verifies and skips, which files it replaces, which sizes it looks at, where it writes.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup_file() {
    load helpers
    load work
    load forks
    mkdir "$BATS_FILE_TMPDIR/pair" && cd "$BATS_FILE_TMPDIR/pair" || return
    origin_of $((512 * 1024 - 3 * 512))
    fork snap 4096 40
    fork other 16384 30
}

setup() {
    load helpers
    load work
    load forks
    load traced
    in_folder
    cp "$BATS_FILE_TMPDIR"/pair/* .
    pid=
    mounted=
}

teardown() {
    exec 8>&-
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    [ -z "$mounted" ] || umount "$mounted"
}

merge() {
    program snapmerge "$@" --origin origin --cow snap
}

# What a merge of `snap` writes: its chunks, the last one as far as the origin has it.
snap_bytes() {
    perl -e '
        my ($sum, $end) = (0, $ARGV[1]);
        for (split(/\n/, $ARGV[0])) {
            my (undef, $old, undef, $count) = split;
            my $stop = ($old + $count) * 4096;
            $sum += ($stop > $end ? $end : $stop) - $old * 4096;
        }
        print "$sum\n";' "$(walk snap.before ranges)" "$(stat -c %s origin.before)"
}

# --- verify ------------------------------------------------------------------------------------
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

# --- skip --------------------------------------------------------------------------------------
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
        assert_said "mounted/origin: cannot be read past the cache here"
        assert_said "$option is not possible"
        assert_said "Nothing was written."
        cmp mounted/origin origin.before
        cmp snap snap.before
    done
    program snapmerge --origin mounted/origin --cow snap
    assert_status 0
    cmp mounted/origin snap.view
}

# --- files beside the devices -------------------------------------------------------------------
@test "--bad-list: on a healthy merge a list of nothing, which a later one replaces" {
    merge --continue-on-error --bad-list bad.txt
    assert_status 0
    assert_equal "$(head -n 1 bad.txt)" "# snapmerge bad list 1"
    assert_equal "$(grep -vc '^#' bad.txt)" 0
    echo "1 2 3 unreadable" >>bad.txt
    begin_anew snap
    merge --continue-on-error --bad-list bad.txt
    assert_status 0
    assert_equal "$(grep -vc '^#' bad.txt)" 0
    cmp origin snap.view
}

# not_replaced OPTION...: a file that holds something else, be it a device of this very merge, is refused.
not_replaced() {
    local file
    echo "letters" >text
    ln -s missing link
    mkdir folder
    for file in text link folder snap origin other; do
        remember origin snap other text
        merge --preserve other "$@" "$file"
        assert_status 8
        assert_said "$file: "
        assert_said "Nothing was written."
        assert_untouched
    done
    [ ! -e missing ]
}

@test "--bad-list that cannot be made: refused before the first write" {
    local before
    before=$(sha256sum <origin)
    merge --continue-on-error --bad-list no/such/folder/bad.txt
    assert_status 8
    assert_said "no/such/folder/bad.txt"
    assert_said "Nothing was written."
    assert_equal "$(sha256sum <origin)" "$before"
}

@test "--bad-list never replaces a file that holds something else, nor the devices" {
    not_replaced --continue-on-error --bad-list
}

@test "--checkpoint never replaces a file that holds something else, nor the devices" {
    not_replaced --keep-cow --checkpoint
}

@test "options that do not go together are usage errors" {
    local name=snapmerge
    remember origin snap
    merge --bad-list bad.txt
    assert_usage_error "--bad-list lists what --continue-on-error leaves"
    merge --drop-bad
    assert_usage_error "--drop-bad gives up what --continue-on-error leaves"
    merge --continue-on-error --drop-bad --keep-cow
    assert_usage_error "--drop-bad changes the COW, --keep-cow does not"
    merge --checkpoint state
    assert_usage_error "--checkpoint is for merges that keep the COW"
    merge --keep-cow --checkpoint one --undo one
    assert_usage_error "--undo, --bad-list and --checkpoint need a file each"
    merge --continue-on-error --bad-list one --undo one
    assert_usage_error "--undo, --bad-list and --checkpoint need a file each"
    merge --keep-cow --checkpoint one --continue-on-error --bad-list one
    assert_usage_error "--undo, --bad-list and --checkpoint need a file each"
    assert_untouched
}

# --- sizes -------------------------------------------------------------------------------------
# grown FILE: it becomes larger while the question waits for its answer.
grown() {
    local tries
    mkfifo keys
    : >said
    script --quiet --return --command "env TERM=dumb $WRAPPER $BUILDDIR/tools/snapmerge --undo undo --preserve other \
        --origin origin --cow snap" /dev/null <keys >said 3>&- &
    pid=$!
    exec 8>keys
    for ((tries = 0; tries < 3000; tries++)); do
        ! grep -qF '[y/N]' said || break
        sleep 0.02
    done
    truncate -s +64K "$1"
    echo y >&8
    status=0
    wait "$pid" || status=$?
    pid=
    exec 8>&-
    stderr=$(<said)
    rm keys
}

@test "a device whose size changes between check and merge: refused" {
    local file
    for file in origin snap other; do
        grown "$file"
        assert_status 8
        assert_said "$file: had $(stat -c %s "$file.before") bytes when it was checked, and has $(stat -c %s "$file") now"
        assert_said "Nothing was written."
        truncate -s -64K "$file"
        cmp origin origin.before
        cmp snap snap.before
        cmp other other.before
        [ ! -e undo ]
    done
    # Another file is nobody's business.
    cp snap.view bystander
    grown bystander
    assert_status 0
    cmp origin snap.view
}

# --- what cannot be kept -----------------------------------------------------------------------
@test "old content that cannot be read for another store stays, is listed as unkept, and goes with a later run" {
    local reads options=(--continue-on-error --io-engine threads --queue-depth 1)
    need_strace
    cp other other.again
    traced -P "$PWD/origin" -e "trace=preadv" -- \
        snapmerge "${options[@]}" --preserve other.again --origin origin --cow snap
    assert_status 0
    # Of the thread that reads last: each has a count of its own.
    reads=$(awk '/ preadv\(/ { n[$1]++; last = $1 } END { print n[last] }' trace)
    begin_anew snap other
    # From the last read on none succeeds.
    traced -P "$PWD/origin" -e "trace=preadv" -e "inject=preadv:error=EIO:when=$reads+" -- \
        snapmerge "${options[@]}" --bad-list bad.txt --preserve other --origin origin --cow snap
    assert_status 4
    assert_said "so what is there cannot be kept for another store"
    assert_said "chunks remain in snap"
    [ "$(grep -c ' unkept$' bad.txt)" -gt 0 ]
    assert_equal "$(grep -c ' unkept$' bad.txt)" "$(entries_of snap)"
    shows snap snap.view
    shows other other.view
    merge --preserve other
    assert_status 0
    cmp origin snap.view
    shows other other.view
}

# --- where it writes ----------------------------------------------------------------------------
# Each write to the origin that strace has seen lies in a chunk that the list names, and ends with the origin.
# Prints how many bytes they were.
outside_nothing() {
    perl -e '
        my ($ranges, $size, %listed, %open, $sum) = @ARGV;
        for (split(/\n/, $ranges)) { my (undef, $old, undef, $count) = split; @listed{$old .. $old + $count - 1} = () }
        open(my $in, "<", "trace") or die;
        while (<$in>) {
            my ($pid, $rest) = /^(\d+)\s+(.*)/ or next;
            my $offset;
            if ($rest =~ m{^(pwrite64|pwritev2?|write|writev|ftruncate|fallocate)\(\d+<[^>]*/origin>, (.*)}) {
                my ($call, $arguments) = ($1, $2);
                die "not at a place: $_" unless $call =~ /^pwrite/;
                $arguments =~ /, (\d+)(?:, (?:0|RWF_\w+))?(?:\) +=| <unfinished)/ or die "no offset: $_";
                $offset = $1;
                if ($arguments =~ /<unfinished/) { $open{$pid} = $offset; next }
            } elsif ($rest =~ /^<\.\.\. pwrite(?:64|v2?) resumed/) {
                $offset = delete($open{$pid});
            }
            next unless defined($offset);
            $rest =~ / = (\d+)$/ or die "failed: $_";
            die "beyond the end: $_" if $offset + $1 > $size;
            for (my $at = $offset; $at < $offset + $1; $at += 512) {
                die "not in the list: $_" unless exists $listed{int($at / 4096)};
            }
            $sum += $1;
        }
        print "$sum\n";' "$(walk snap.before ranges)" "$(stat -c %s origin.before)"
}

# The list names the last chunk, of which the origin has a part.
@test "never a write outside of the listed chunks, nor behind the origin's end" {
    need_strace
    local options
    tail -c 2560 origin.before | tr '0-9' 'a-j' >piece
    dd if=piece of=snap.view bs=512 seek=$((1024 - 3 - 5)) conv=notrunc status=none
    rm snap
    "$BUILDDIR/tools/snapcreate" -q --origin origin --cow snap --size max --from-diff snap.view
    cp snap snap.before
    walk snap ranges | awk '{ if ($2 + $4 == 128) found = 1 } END { exit !found }'
    for options in "" "--verify" "--skip-identical" "--memory 16M --checkpoint-interval 1 --queue-depth 2" \
        "--undo undo --preserve other" "--continue-on-error --bad-list bad.txt --drop-bad" "--seeks one-disk" \
        "--keep-cow --checkpoint state --undo kept"; do
        begin_anew origin snap other
        # shellcheck disable=SC2086
        traced -e trace=write,writev,pwrite64,pwritev,pwritev2,ftruncate,fallocate -- \
            snapmerge $options --io-engine threads --origin origin --cow snap
        assert_status 0
        cmp origin snap.view
        assert_equal "$(outside_nothing)" "$(snap_bytes)"
    done
}

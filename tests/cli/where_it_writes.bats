#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Where snapmerge writes: in the chunks of the list and nowhere else, and to no device that has changed meanwhile.
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
    pid=
}

teardown() {
    exec 8>&-
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
}

# grown FILE: it becomes larger while the question waits for its answer.
grown() {
    local tries
    mkfifo keys
    : >said
    TERM=dumb script --quiet --return \
        --command "$(typed snapmerge --undo undo --preserve other --origin origin --cow snap)" /dev/null <keys >said 3>&- &
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
        assert_said "$file: it had $(stat -c %s "$file.before") bytes when it was checked and has $(stat -c %s "$file") now: another program is changing it; stop that, then repeat this command"
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

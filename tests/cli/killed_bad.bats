#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge --continue-on-error killed at random moments over a COW with bad chunks, whose entries move to the end of the
# list: what can be read of the view is unchanged, no bad chunk is forgotten, a rerun ends right. DMSNAP_LONG=1: 120
# kills instead of 12.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

# For each of the four kinds below.
if [ -n "${DMSNAP_LONG-}" ]; then
    KILLS=30
else
    KILLS=3
fi

setup() {
    load helpers
    load work
    load pairs
    load fast_checks
    need_loops
    in_folder
    fast_start
    pid=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    loops_detach
}

# bad_last BAD: so many entries, anywhere in the list, get data chunks behind all others, and behind all areas in use.
bad_last() {
    perl -e '
        my ($bad, $cs) = @ARGV;
        my ($chunk, $epa, @list) = (512 * $cs, 32 * $cs);
        srand(7);
        open(my $file, "+<:raw", "cow") or die;
        for (split(/\n/, $ARGV[2])) {
            my (undef, $old, $new, $count) = split;
            push(@list, map { [$old + $_, $new + $_] } 0 .. $count - 1);
        }
        my ($next, %bad) = ((1 + int(@list / $epa)) * ($epa + 1) + 1);
        for (my $left = $bad; $left > 0;) { my $i = int(rand(@list)); $left-- unless $bad{$i}++ }
        for my $i (sort { $a <=> $b } keys(%bad)) {
            $next++ if $next % ($epa + 1) == 1;
            my ($old, $new) = @{$list[$i]};
            seek($file, $new * $chunk, 0);
            read($file, my $bytes, $chunk) == $chunk or die;
            seek($file, $next * $chunk, 0);
            print $file $bytes;
            seek($file, (1 + ($epa + 1) * int($i / $epa)) * $chunk + $i % $epa * 16, 0);
            print $file pack("Q<2", $old, $next++);
        }
        truncate($file, ($next + 3) * $chunk) or die;' "$1" "$(number cow 12 4)" "$(walk cow ranges)"
    cp cow cow.before
}

# The device has become short below a loop device: what lies behind its end cannot be read.
begin_anew() {
    fast copy origin.before origin
    fast copy cow.before cow
    fast spoil cow "$bad"
}

start() {
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapmerge" --quiet --continue-on-error "${options[@]}" --origin origin --cow "$loop" \
        </dev/null >out 2>said 3>&- &
    pid=$!
}

end() {
    status=0
    wait "$pid" 2>/dev/null || status=$?
    pid=
}

# What a run that was not killed must leave: all but the bad chunks merged, and all of these in the list.
assert_complete() {
    [ "$status" -eq 4 ] || { cat said && return 1; }
    fast kept origin origin.before view
    fast length cow "$bad"
    fast shows cow view
}

completes() {
    start
    end
    assert_complete
}

# Once they can be read again, nothing is missing.
healed() {
    fast heal cow cow.before
    start
    end
    [ "$status" -eq 0 ] || { cat said && return 1; }
    fast same origin view
    fast length cow 0
}

# So many kills, and a good part of them where they hurt: where the origin is half merged, and where the bad entries at
# the end of the list lie in more than one area.
enough() {
    [ "$kills" -ge "$KILLS" ] && [ "$halfway" -ge $((KILLS / 3)) ] && [ "$crossing" -ge $((KILLS / 3)) ]
}

# killed BAD OPTION...: of the pair that is there.
killed() {
    local attempt started first_ms whole_ms kills=0 halfway=0 crossing=0 bad=$1 options=("${@:2}")
    bad_last "$bad"
    loop_over cow
    begin_anew
    ! fast crossing cow || return 1
    started=${EPOCHREALTIME/[.,]/}
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapmerge" --quiet --dry-run --origin origin --cow "$loop" </dev/null >out 2>said 3>&-
    first_ms=$(((${EPOCHREALTIME/[.,]/} - started) / 1000))
    started=${EPOCHREALTIME/[.,]/}
    completes
    whole_ms=$(((${EPOCHREALTIME/[.,]/} - started) / 1000))
    healed
    begin_anew
    for ((attempt = 0; attempt < 400 * KILLS; attempt++)); do
        ! enough || break
        start
        fast wait $((first_ms / 2 + RANDOM * whole_ms / 32768))
        kill -KILL "$pid" 2>/dev/null || true
        end
        if [ "$status" -ne 137 ]; then
            assert_complete
            begin_anew
            whole_ms=$((whole_ms * 3 / 4 + 1))
            continue
        fi
        whole_ms=$((whole_ms * 17 / 16 + 1))
        kills=$((kills + 1))
        ! fast half origin origin.before view || halfway=$((halfway + 1))
        ! fast crossing cow || crossing=$((crossing + 1))
        fast shows cow view
        nothing_found "$loop"
        if ((RANDOM % 4 == 0)); then
            completes
            begin_anew
        fi
    done
    completes
    healed
    echo "# $kills kills, $halfway in the middle, $crossing with bad entries in more than one area" >&3
    enough
}

@test "killed: bad chunks of a sector, their entries cross from one area to the next" {
    shaped_pair random 1 200 500
    killed 30 --rate-limit 500K
}

@test "killed: bad chunks of a sector, more than an area has entries" {
    shaped_pair random 1 400 600
    killed 100 --rate-limit 700K
}

@test "killed: bad chunks of 4 KiB, their entries cross from one area to the next" {
    shaped_pair clustered 8 600 $((8 * 700 - 3))
    killed 100 --rate-limit 16M
}

@test "killed: bad chunks of 4 KiB, more than an area has entries, threads" {
    shaped_pair clustered 8 600 $((8 * 700))
    killed 270 --io-engine threads --rate-limit 16M
}

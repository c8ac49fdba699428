#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge killed at random moments: each time the view is unchanged and the store sound; a rerun gives the right bytes.
# DMSNAP_LONG=1: 2,000 kills instead of 100.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

# For each of the twelve kinds of merge below.
if [ -n "${DMSNAP_LONG-}" ]; then
    KILLS=170
else
    KILLS=9
fi

setup() {
    load helpers
    load work
    load pairs
    load fast_checks
    in_folder
    fast_start
    pid=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
}

# The merge under test, in the background: $pid.
start() {
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapmerge" --quiet --origin origin --cow cow "${options[@]}" </dev/null >out 2>said 3>&- &
    pid=$!
}

end() {
    status=0
    wait "$pid" 2>/dev/null || status=$?
    pid=
}

completes() {
    start
    end
    [ "$status" -eq 0 ] || { cat said && return 1; }
    fast same origin view
    if [ "$keep" = yes ]; then
        fast same cow cow.before
    else
        fast length cow 0
    fi
}

begin_anew() {
    fast copy origin.before origin
    fast copy cow.before cow
    rm -f state
}

# What is on the devices now; now and then seen by our own program, too.
assert_unharmed() {
    fast shows cow view
    if ((kills % 4 == 0)); then
        rm -f extracted
        "$BUILDDIR/tools/snapinspect" --quiet --origin origin --extract extracted cow 2>said
        fast same extracted view
    fi
    nothing_found cow
    [ "$keep" = no ] || fast same cow cow.before
}

# So many kills, and a good part of them where they hurt: a loaded machine needs more runs for that.
enough() {
    [ "$kills" -ge "$KILLS" ] && [ "$halfway" -ge $((KILLS / 3)) ]
}

# killed OPTION...: of the pair that is there. Moments are uniform over the time that a run takes; what that is on a
# machine with other work to do is learnt on the way.
killed() {
    local attempt started first_ms whole_ms kills=0 halfway=0 keep=no options=("$@")
    case " $* " in *" --keep-cow "*) keep=yes ;; esac
    started=${EPOCHREALTIME/[.,]/}
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapmerge" --quiet --dry-run --origin origin --cow cow </dev/null >out 2>said 3>&-
    first_ms=$(((${EPOCHREALTIME/[.,]/} - started) / 1000))
    started=${EPOCHREALTIME/[.,]/}
    completes
    whole_ms=$(((${EPOCHREALTIME/[.,]/} - started) / 1000))
    begin_anew
    for ((attempt = 0; attempt < 20 * KILLS; attempt++)); do
        ! enough || break
        # Copying that is over in a few milliseconds is seldom hit: after a number of attempts it is slowed down.
        ((attempt != 5 * KILLS)) || [[ " $* " == *limit* ]] || options+=(--rate-limit 16M)
        start
        fast wait $((first_ms / 2 + RANDOM * whole_ms / 32768))
        kill -KILL "$pid" 2>/dev/null || true
        end
        if [ "$status" -ne 137 ]; then
            [ "$status" -eq 0 ] || { cat said && return 1; }
            fast same origin view
            begin_anew
            whole_ms=$((whole_ms * 3 / 4 + 1))
            continue
        fi
        whole_ms=$((whole_ms * 17 / 16 + 1))
        kills=$((kills + 1))
        # In the middle: the origin is written to, and it is not complete.
        ! fast half origin origin.before view || halfway=$((halfway + 1))
        assert_unharmed
        # Mostly the next one is killed again, from there.
        if ((RANDOM % 4 == 0)); then
            completes
            begin_anew
        fi
    done
    completes
    echo "# $kills kills, $halfway in the middle" >&3
    enough
}

@test "killed: chunks of a sector, slowly" {
    shaped_pair random 1 900 2000
    killed --rate-limit 3M
}

@test "killed: chunks of 4 KiB at random places, slowly" {
    shaped_pair random 8 350 $((8 * 450))
    killed --rate-limit 24M
}

@test "killed: chunks of 4 KiB in clusters, as fast as it goes, little memory" {
    shaped_pair clustered 8 1600 $((8 * 1700 - 5))
    killed --memory 16M
}

@test "killed: chunks of 4 KiB, threads, few requests at once" {
    shaped_pair random 8 1400 $((8 * 1500))
    killed --io-engine threads --queue-depth 3 --memory 16M
}

@test "killed: chunks of 64 KiB, an origin that ends inside of one" {
    shaped_pair random 128 30 $((40 * 128 - 77))
    killed --rate-limit 24M
}

@test "killed: chunks of 1 MiB one after the other, few requests in a second" {
    shaped_pair sequential 2048 6 $((7 * 2048))
    killed --iops-limit 140
}

@test "killed: the COW kept, with a checkpoint" {
    shaped_pair random 8 350 $((8 * 450))
    killed --keep-cow --checkpoint state --rate-limit 24M
}

@test "killed: the COW kept, with a checkpoint, as fast as it goes" {
    shaped_pair clustered 8 1200 $((8 * 1300))
    killed --keep-cow --checkpoint state --memory 16M
}

@test "killed: the COW kept, without a checkpoint, threads" {
    shaped_pair random 2 900 $((2 * 1200 - 1))
    killed --keep-cow --io-engine threads --rate-limit 12M
}

@test "killed: all is read back" {
    shaped_pair random 8 350 $((8 * 450 - 3))
    killed --verify --rate-limit 24M
}

# Every other chunk of the list is on the origin already, and of half of the rest the first sector.
half_identical() {
    perl -e '
        my (%chunk, $bytes) = ();
        open(my $origin, "+<:raw", "origin") or die;
        open(my $view, "<:raw", "view") or die;
        for (split(/\n/, $ARGV[1])) {
            my ($index, $old, undef, $count) = split;
            for my $chunk ($old .. $old + $count - 1) {
                seek($_, $chunk * $ARGV[0], 0) for $view, $origin;
                read($view, $bytes, ($ARGV[0], 512, $ARGV[0], 0)[$index++ % 4] || next);
                print $origin $bytes;
            }
        }' $(($(number cow 12 4) * 512)) "$(walk cow ranges)"
    cp origin origin.before
}

@test "killed: what is identical is skipped" {
    shaped_pair random 8 450 $((8 * 600 - 3))
    half_identical
    killed --skip-identical --rate-limit 24M
}

@test "killed: what is identical is skipped, all else is read back, as fast as it goes" {
    shaped_pair clustered 2 3000 $((2 * 3500))
    half_identical
    killed --skip-identical --verify --memory 16M
}

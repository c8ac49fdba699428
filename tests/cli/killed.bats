#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge killed at random moments: each time the view is unchanged and the store sound; a rerun gives the right bytes.
# DMSNAP_LONG=1: 2,000 kills instead of 100.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

# For each of the nine kinds of merge below.
if [ -n "${DMSNAP_LONG-}" ]; then
    KILLS=225
else
    KILLS=12
fi

setup() {
    load helpers
    load work
    load shapes
    in_folder
    pid=
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
}

now_ms() {
    echo $((${EPOCHREALTIME/[.,]/} / 1000))
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
    cmp origin view
    if [ "$keep" = yes ]; then
        cmp cow cow.before
    else
        assert_equal "$(walk cow figures | cut -d' ' -f1)" 0
    fi
}

begin_anew() {
    cp origin.before origin
    cp cow.before cow
    rm -f state
}

# What is on the devices now, seen by other runs. Entries behind the end, merged already, look cut: a warning.
assert_unharmed() {
    rm -f extracted
    "$BUILDDIR/tools/snapinspect" --quiet --origin origin --extract extracted cow 2>said
    cmp extracted view
    "$BUILDDIR/tools/snapcheck" --json --origin origin cow >found 2>said
    assert_equal "$(jq -r '.findings[] | select(.severity != "note") | .rule' found | sort -u | sed 's/^list-cut$//')" ""
    [ "$keep" = no ] || cmp cow cow.before
}

# In the middle: the origin is written to, and it is not complete.
half_merged() {
    ! cmp -s origin origin.before && ! cmp -s origin view
}

# So many kills, and a good part of them where they hurt: a loaded machine needs more runs for that.
enough() {
    [ "$kills" -ge "$KILLS" ] && [ "$halfway" -ge $((KILLS / 3)) ]
}

# killed OPTION...: of the pair that is there. Moments are uniform over the time that a run takes; what that is on a
# machine with other work to do is learnt on the way.
killed() {
    local attempt started moment first_ms whole_ms kills=0 halfway=0 keep=no options=("$@")
    case " $* " in *" --keep-cow "*) keep=yes ;; esac
    started=$(now_ms)
    # shellcheck disable=SC2086
    $WRAPPER "$BUILDDIR/tools/snapmerge" --quiet --dry-run --origin origin --cow cow </dev/null >out 2>said 3>&-
    first_ms=$(($(now_ms) - started))
    started=$(now_ms)
    completes
    whole_ms=$(($(now_ms) - started))
    begin_anew
    for ((attempt = 0; attempt < 20 * KILLS; attempt++)); do
        ! enough || break
        moment=$((first_ms / 2 + RANDOM * whole_ms / 32768))
        start
        sleep "$(printf '%d.%03d' $((moment / 1000)) $((moment % 1000)))"
        kill -KILL "$pid" 2>/dev/null || true
        end
        if [ "$status" -ne 137 ]; then
            [ "$status" -eq 0 ] || { cat said && return 1; }
            cmp origin view
            begin_anew
            whole_ms=$((whole_ms * 3 / 4 + 1))
            continue
        fi
        whole_ms=$((whole_ms * 17 / 16 + 1))
        kills=$((kills + 1))
        ! half_merged || halfway=$((halfway + 1))
        assert_unharmed
        # Sometimes the next one is killed again, from there.
        if ((RANDOM % 2)); then
            completes
            begin_anew
        fi
    done
    completes
    echo "$kills $halfway" >>"$BATS_FILE_TMPDIR/kills"
    enough
}

@test "killed: chunks of a sector, slowly" {
    shaped_pair random 1 900 2000
    killed --rate-limit 3M
}

@test "killed: chunks of 4 KiB at random places, slowly" {
    shaped_pair random 8 600 $((8 * 800))
    killed --rate-limit 24M
}

@test "killed: chunks of 4 KiB in clusters, as fast as it goes, little memory" {
    shaped_pair clustered 8 2600 $((8 * 2900 - 5))
    killed --memory 16M
}

@test "killed: chunks of 4 KiB, threads, few requests at once" {
    shaped_pair random 8 1500 $((8 * 1700))
    killed --io-engine threads --queue-depth 3 --memory 16M
}

@test "killed: chunks of 64 KiB, an origin that ends inside of one" {
    shaped_pair random 128 50 $((64 * 128 - 77))
    killed --rate-limit 24M
}

@test "killed: chunks of 1 MiB one after the other, few requests in a second" {
    shaped_pair sequential 2048 6 $((7 * 2048))
    killed --iops-limit 80
}

@test "killed: the COW kept, with a checkpoint" {
    shaped_pair random 8 600 $((8 * 800))
    killed --keep-cow --checkpoint state --rate-limit 24M
}

@test "killed: the COW kept, with a checkpoint, as fast as it goes" {
    shaped_pair clustered 8 2000 $((8 * 2100))
    killed --keep-cow --checkpoint state --memory 16M
}

@test "killed: the COW kept, without a checkpoint, threads" {
    shaped_pair random 2 1500 $((2 * 2000 - 1))
    killed --keep-cow --io-engine threads --rate-limit 12M
}

@test "the kills were as many as promised, and a good part of them met a half-merged origin" {
    read -r kills halfway < <(awk '{ kills += $1; halfway += $2 } END { print kills, halfway }' "$BATS_FILE_TMPDIR/kills")
    echo "# $kills kills, $halfway in the middle" >&3
    [ "$kills" -ge $((DMSNAP_LONG ? 2000 : 100)) ]
    [ "$halfway" -ge $((KILLS / 3 * 9)) ]
}

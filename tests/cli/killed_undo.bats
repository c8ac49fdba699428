#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge killed at random moments while it keeps the views of others, and on the way there and back with an undo store.
# DMSNAP_LONG=1: 300 kills instead of 20.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

# For each of the kinds below.
if [ -n "${DMSNAP_LONG-}" ]; then
    KILLS=100
else
    KILLS=7
fi

setup() {
    load helpers
    load work
    load forks
    in_folder
    pid=
    origin_of $((1024 * 1024 - 3 * 512))
    fork snap 512 20
    fork large 65536 30
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
}

flags() {
    number snap 68 4
}

# killed ARGUMENT...: by at_random; true if it was. In the middle or not is counted.
killed() {
    at_random KILL "$@" --origin origin
    ended_early || return 1
    kills=$((kills + 1))
    ! half_merged snap.view || halfway=$((halfway + 1))
}

# So many kills, and a good part of them where they hurt: a loaded machine needs more runs for that.
enough() {
    [ "$kills" -ge "$KILLS" ] && [ "$halfway" -ge $((KILLS / 3)) ]
}

tell() {
    echo "$kills $halfway" >>"$BATS_FILE_TMPDIR/kills"
    enough
}

@test "killed while the view of another is kept: all views right, and at the end" {
    local kills=0 halfway=0 runs
    for ((runs = 0; runs < 20 * KILLS; runs++)); do
        ! enough || break
        killed --rate-limit 4M --preserve large --cow snap || true
        reads_as snap snap.view
        reads_as large large.view
        if cmp -s origin snap.view; then
            sound snap large
            begin_anew snap large
        fi
    done
    program snapmerge --preserve large --origin origin --cow snap
    assert_status 0
    cmp origin snap.view
    reads_as large large.view
    tell
}

# What is there of the undo store is used, or is no store yet: then nothing was merged, and it goes.
no_undo_yet() {
    [ "$(flags)" != 2 ] && cmp -s origin origin.before
}

@test "killed with an undo store, resumed until it is complete, taken back" {
    local kills=0 halfway=0 runs
    for ((runs = 0; runs < 20 * KILLS; runs++)); do
        ! enough || break
        killed --rate-limit 4M --undo undo --preserve large --cow snap || true
        reads_as snap snap.view
        reads_as large large.view
        if no_undo_yet; then
            rm -f undo
            continue
        fi
        reads_as undo origin.before
        [ "$status" -eq 0 ] || continue
        cmp origin snap.view
        program snapmerge --origin origin --cow undo --preserve snap --preserve large
        assert_status 0
        cmp origin origin.before
        sound snap large undo
        rm undo
    done
    tell
}

@test "killed with an undo store, taken back from there, killed on the way back, taken back" {
    local kills=0 halfway=0 runs
    for ((runs = 0; runs < 20 * KILLS; runs++)); do
        ! enough || break
        killed --rate-limit 4M --undo undo --preserve large --cow snap || true
        reads_as snap snap.view
        if no_undo_yet; then
            rm -f undo
            continue
        fi
        while killed --rate-limit 4M --cow undo --preserve snap --preserve large; do
            reads_as snap snap.view
            reads_as large large.view
            reads_as undo origin.before
        done
        cmp origin origin.before
        shows snap snap.view
        reads_as large large.view
        sound snap large
        rm undo
    done
    tell
}

@test "the kills were as many as promised, and a good part of them met a half-merged origin" {
    read -r kills halfway < <(awk '{ kills += $1; halfway += $2 } END { print kills, halfway }' "$BATS_FILE_TMPDIR/kills")
    echo "# $kills kills, $halfway in the middle" >&3
    [ "$kills" -ge $((DMSNAP_LONG ? 300 : 20)) ]
    [ "$halfway" -ge $((KILLS / 3 * 3)) ]
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapmerge killed at random moments while it keeps the views of others, and on the way there and back with an undo store.
# DMSNAP_LONG=1: 300 kills instead of 20.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

# For each of the four kinds below.
if [ -n "${DMSNAP_LONG-}" ]; then
    KILLS=75
else
    KILLS=5
fi

setup() {
    load helpers
    load work
    load forks
    load fast_checks
    in_folder
    fast_start
    pid=
    origin_of $((1024 * 1024 - 3 * 512))
    fork snap 512 20
    fork large 65536 30
    kills=0
    halfway=0
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
}

flags() {
    number "$1" 68 4
}

# killed ARGUMENT...: by at_random; true if it was. In the middle or not is counted.
killed() {
    at_random KILL "$@" --rate-limit 4M --origin origin
    if ! ended_early; then
        moment_min_ms=$((moment_min_ms / 2))
        return 1
    fi
    kills=$((kills + 1))
    if fast half origin origin.before snap.view; then
        halfway=$((halfway + 1))
    else # most likely it came too early
        moment_min_ms=$(((moment_min_ms + moment + 1) / 2))
    fi
}

# right STORE VIEW...: each shows its view over the origin as it is now, and is sound. Undo stores have the room that they
# need: they become full.
right() {
    while [ $# -gt 0 ]; do
        fast shows "$1" "$2"
        case $1 in
        undo | redo) nothing_found "$1" store-full ;;
        *) nothing_found "$1" ;;
        esac
        shift 2
    done
}

# So many kills, and a good part of them where they hurt: a loaded machine needs more runs for that.
enough() {
    [ "$kills" -ge "$KILLS" ] && [ "$halfway" -ge $((KILLS / 3)) ]
}

tell() {
    echo "# $kills kills, $halfway in the middle" >&3
    enough
}

@test "killed while the view of another is kept: all views right, and at the end" {
    local runs
    for ((runs = 0; runs < 20 * KILLS; runs++)); do
        ! enough || break
        killed --preserve large --cow snap || true
        right snap snap.view large large.view
        if fast same origin snap.view; then
            begin_anew snap large
        fi
    done
    program snapmerge --preserve large --origin origin --cow snap
    assert_status 0
    fast same origin snap.view
    right large large.view
    tell
}

# What is there of the undo store is used, or is no store yet: then nothing was merged, and it goes.
no_undo_yet() {
    [ "$(flags snap)" != 2 ] && fast same origin origin.before
}

@test "killed with an undo store, resumed until it is complete, taken back" {
    local runs
    for ((runs = 0; runs < 20 * KILLS; runs++)); do
        ! enough || break
        killed --undo undo --preserve large --cow snap || true
        right snap snap.view large large.view
        if no_undo_yet; then
            rm -f undo
            continue
        fi
        right undo origin.before
        [ "$status" -eq 0 ] || continue
        fast same origin snap.view
        program snapmerge --origin origin --cow undo --preserve snap --preserve large
        assert_status 0
        fast same origin origin.before
        right snap snap.view large large.view undo origin.before
        rm undo
    done
    tell
}

@test "killed with an undo store, taken back from there, killed on the way back, taken back" {
    local runs
    for ((runs = 0; runs < 20 * KILLS; runs++)); do
        ! enough || break
        killed --undo undo --preserve large --cow snap || true
        right snap snap.view large large.view
        if no_undo_yet; then
            rm -f undo
            continue
        fi
        while killed --cow undo --preserve snap --preserve large; do
            right snap snap.view large large.view undo origin.before
        done
        fast same origin origin.before
        right snap snap.view large large.view
        shows snap snap.view
        rm undo
    done
    tell
}

# What is there of `redo` is used, or nothing was taken back yet.
no_redo_yet() {
    [ "$(flags undo)" != 3 ] && fast same origin snap.view
}

@test "killed while a merge is taken back with an undo store, that taken back, and the merge taken back after all" {
    local runs name others=(snap snap.view large large.view undo origin.before)
    program snapmerge --undo undo --preserve large --origin origin --cow snap
    assert_status 0
    fast same origin snap.view
    for name in origin snap large undo; do
        cp "$name" "$name.merged"
    done
    for ((runs = 0; runs < 20 * KILLS; runs++)); do
        ! enough || break
        killed --cow undo --preserve snap --preserve large --undo redo || true
        right "${others[@]}"
        if no_redo_yet; then
            rm -f redo
            continue
        fi
        right redo snap.view
        # Gone on with, or there and back from here.
        if [ "$status" -ne 0 ] && ((RANDOM % 2)); then
            continue
        fi
        while killed --cow redo --preserve undo --preserve snap --preserve large; do
            right "${others[@]}" redo snap.view
        done
        fast same origin snap.view
        right "${others[@]}"
        while killed --cow undo --preserve snap --preserve large; do
            right "${others[@]}"
        done
        fast same origin origin.before
        right "${others[@]}"
        rm redo
        for name in origin snap large undo; do
            fast copy "$name.merged" "$name"
        done
    done
    tell
}

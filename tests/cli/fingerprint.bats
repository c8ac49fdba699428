#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The fingerprint in a store: what is remembered of an origin, and that it stays true through merges and undo.
# shellcheck disable=SC2030,SC2031,SC2154

setup() {
    load helpers
    load work
    load fingerprints
    in_folder
}

teardown() {
    loops_detach
}

# change FILE BLOCK...: other bytes in blocks of 4 KiB.
change() {
    local file=$1 block
    shift
    for block in "$@"; do
        printf 'changed' | dd of="$file" bs=1 seek=$((block * 4096 + 1234)) conv=notrunc status=none
    done
}

# --- snapcreate --------------------------------------------------------------------------------
@test "a new store remembers its origin, whatever the sizes" {
    local size chunk blocks
    for size in 4095 4096 20992 $((191 * 4096 + 512)) $((192 * 4096)) $((5000 * 4096)); do
        for chunk in 1K 4K 64K; do
            [ "$size" -ge 65536 ] || [ "$chunk" != 64K ] || continue
            [ "$size" -ge 4096 ] || [ "$chunk" != 4K ] || continue
            rm -f cow
            contents origin "$size" origin
            program snapcreate --origin origin --cow cow --size max --chunk-size "$chunk"
            assert_status 0
            blocks=$((size / 4096 < 192 ? size / 4096 : 192))
            if [ "$blocks" -eq 0 ]; then
                assert_equal "$(fingerprint cow)" none
            else
                assert_equal "$(fingerprint cow origin)" "$blocks masked 0 listed 0 agree $blocks differ 0"
            fi
        done
    done
    change origin 3 4999
    assert_equal "$(fingerprint cow origin)" "192 masked 0 listed 0 agree 190 differ 2"
}

@test "each store has samples of its own" {
    contents origin $((5000 * 4096)) origin
    program snapcreate --origin origin --cow one --size max
    program snapcreate --origin origin --cow two --size max
    [ "$(hex one 544 8)" != "$(hex two 544 8)" ]
}

@test "--no-identity, and chunks of 512 bytes: no fingerprint, and the latter is said" {
    contents origin 100000 origin
    program snapcreate --origin origin --cow one --size max --no-identity --json
    assert_status 0
    assert_equal "$(fingerprint one)" none
    assert_json .result.fingerprint null
    program snapcreate --origin origin --cow two --size max --chunk-size 512 --verbose --json
    assert_status 0
    assert_said "two: chunks of 512 bytes have no room for a fingerprint of the origin"
    assert_json .result.fingerprint null
    assert_json '.result.store_id | length' 36
    zero two 512 512
    program snapcreate --origin origin --cow three --size max --verbose --json
    assert_status 0
    assert_not_said "room for a fingerprint"
    assert_json '.result.fingerprint | "\(.samples) \(.unreadable)"' "24 0"
}

@test "--from-diff: what the new list touches is masked" {
    contents old $((100 * 4096)) old
    cp old new
    change new 5 6 70
    program snapcreate --origin old --cow cow --size max --from-diff new
    assert_status 0
    assert_equal "$(fingerprint cow old)" "100 masked 3 listed 0 agree 97 differ 0"
    assert_equal "$(fingerprint cow new)" "100 masked 3 listed 0 agree 97 differ 0"
}

@test "a store over another one, on blocks of 512 and of 4096 bytes" {
    need_loops
    local block
    contents origin $((300 * 4096)) origin
    for block in 512 4096; do
        truncate -s 2M cow
        loop_over cow --sector-size "$block"
        program snapcreate --force --origin origin --cow "$loop"
        assert_status 0
        assert_equal "$(fingerprint "$loop" origin)" "192 masked 0 listed 0 agree 192 differ 0"
        contents origin $((300 * 4096)) "other origin"
    done
}

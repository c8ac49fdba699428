#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcreate --print-table: lines for a shell, and the tables of a store that is there, for which nothing is written.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

setup() {
    load helpers
    load work
    in_folder
}

teardown() {
    loops_detach
}

# made RECIPE: the images origin and cow of a recipe.
made() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
    cp cow cow.before
    cp origin origin.before
}

unchanged() {
    cmp cow cow.before
    cmp origin origin.before
}

tables() {
    program snapcreate --origin origin --cow cow --print-table "$@"
}

@test "a store that is there: its tables need no -f, have its chunk size, and nothing is written" {
    made areas-chunks
    local sectors=$(($(stat -c %s origin) / 512)) chunk
    chunk=$(number cow 12 4)
    tables P
    assert_status 0
    assert_equal "$output" "0 $sectors snapshot origin cow P $chunk
0 $sectors snapshot-origin origin
0 $sectors snapshot-merge origin cow P $chunk"
    assert_said "nothing was written (-f makes it anew)"
    unchanged
    program snapcreate --json --origin origin --cow cow --print-table po,snapshot
    assert_status 0
    assert_json '.result | "\(.written) \(.chunk_sectors) \(.tables | length)"' "false $chunk 1"
    assert_json '.result.tables[0]' "0 $sectors snapshot \$origin \$cow PO $chunk"
    assert_json '.result.commands | length' 4
    assert_json '.result.entries' "$("$BUILDDIR/tools/snapinspect" --json cow | jq .result.entries)"
    unchanged
}

@test "what says that a store is to be made makes one, or is refused as before" {
    made one-entry
    program snapcreate --origin origin --cow cow --print-table P --label new
    assert_status 8
    assert_said "-f overwrites it"
    unchanged
    tables snapshot -f
    assert_status 0
    assert_said "made a store"
    ! cmp -s cow cow.before
}

@test "a damaged or invalid store, and one that does not fit, get no table" {
    local name
    for name in duplicate-new invalid version-2; do
        made "$name"
        tables snapshot
        assert_status 4
        assert_equal "$output" ""
        unchanged
    done
    made old-beyond-origin
    tables snapshot
    assert_status 8
    assert_equal "$output" ""
    tables snapshot --accept=identity
    assert_status 8
    unchanged
}

@test "snapshot-merge: what the kernel cannot merge is refused, with the command that can" {
    local name
    for name in unordered entry-repeated; do
        made "$name"
        tables snapshot-merge
        assert_status 8
        assert_said "this merges it without the kernel: snapmerge --origin origin --cow cow"
        tables snapshot
        assert_status 0
        unchanged
    done
}

# What a shell makes of the printed lines: each call with its arguments, one in a line.
run_lines() {
    run bash -c 'losetup() { echo "losetup|$(printf "%s|" "$@")" >&2; echo /dev/loop7; }
        dmsetup() { echo "dmsetup|$(printf "%s|" "$@")"; }
        eval "$1" 2>&1' bash "$output"
}

@test "the lines: loop devices, quoting, names, order" {
    local sectors
    made one-entry
    sectors=$(($(stat -c %s origin) / 512))
    mv origin "it's an origin"
    mv cow ./-cow
    program snapcreate --origin "it's an origin" --cow ./-cow --print-table snapshot
    assert_status 0
    assert_not_said "dmsetup does not take files"
    run_lines
    assert_equal "$output" "losetup|--find|--show|--read-only|it's an origin|
losetup|--find|--show|./-cow|
dmsetup|create|_cow-snapshot|--table|0 $sectors snapshot /dev/loop7 /dev/loop7 P 8|"
    program snapcreate --origin "it's an origin" --cow ./-cow --print-table snapshot-origin
    run_lines
    assert_equal "$output" "losetup|--find|--show|it's an origin|
dmsetup|create|it_s_an_origin-origin|--table|0 $sectors snapshot-origin /dev/loop7|"
    program snapcreate --origin "it's an origin" --cow ./-cow --print-table snapshot-origin,snapshot
    run_lines
    assert_line --index 1 "losetup|--find|--show|./-cow|"
    assert_line --index 2 "dmsetup|create|_cow-snapshot|--table|0 $sectors snapshot /dev/loop7 /dev/loop7 P 8|"
    assert_line --index 3 "dmsetup|create|it_s_an_origin-origin|--table|0 $sectors snapshot-origin /dev/loop7|"
}

@test "a line that fails ends the script" {
    made one-entry
    tables snapshot,snapshot-origin
    assert_status 0
    run bash -c 'losetup() { echo "losetup $*" >&2; return 1; }; dmsetup() { echo dmsetup; }; eval "$1"' bash "$output"
    assert_failure
    assert_output "losetup --find --show origin"
}

@test "where dmsetup fails, or the second loop device, no loop device is left, and no other one is detached" {
    local shell made_lines first='losetup --find --show --read-only origin' second='losetup --find --show cow' calls
    made one-entry
    tables snapshot
    assert_status 0
    # Images are loop devices 1 and 2 in their order; $2 is what fails.
    calls='losetup() { echo "losetup $*" >&2
            case $* in *"$fails") return 1;; *origin) echo /dev/loop1;; *cow) echo /dev/loop2;; esac; }
        dmsetup() { echo dmsetup >&2; [ "$fails" != dmsetup ]; }
        cow=/dev/loop8 origin=/dev/loop9 fails=$2
        eval "$1"'
    made_lines=$output
    for shell in bash dash; do
        command -v $shell >/dev/null || continue
        run $shell -c "$calls" "$shell" "$made_lines" dmsetup
        assert_failure
        assert_output "$first"$'\n'"$second"$'\n'dmsetup$'\n''losetup --detach /dev/loop1 /dev/loop2'
        run $shell -c "$calls" "$shell" "$made_lines" "show cow"
        assert_failure
        assert_output "$first"$'\n'"$second"$'\n''losetup --detach /dev/loop1'
        run $shell -c "$calls" "$shell" "$made_lines" origin
        assert_failure
        assert_output "$first"
        run $shell -c "$calls" "$shell" "$made_lines" nothing
        assert_success
        assert_output "$first"$'\n'"$second"$'\n'dmsetup
    done
}

@test "devices need no loop devices: one line in single quotes" {
    need_loops
    local origin_loop sectors
    made one-entry
    sectors=$(($(stat -c %s origin) / 512))
    loop_over origin
    origin_loop=$loop
    loop_over cow
    program snapcreate --origin "$origin_loop" --cow "$loop" --print-table PO,snapshot
    assert_status 0
    assert_equal "$output" "dmsetup create ${loop##*/}-snapshot --table '0 $sectors snapshot $origin_loop $loop PO 8'"
    program snapcreate --origin "$origin_loop" --cow cow --print-table snapshot-origin
    assert_equal "$output" "dmsetup create ${origin_loop##*/}-origin --table '0 $sectors snapshot-origin $origin_loop'"
    unchanged
}

@test "N: no store is made, and what is on the COW is not given away without -f" {
    contents origin $((1 << 20)) origin
    truncate -s 1M cow
    tables n,snapshot
    assert_status 0
    assert_output --partial " N 8"
    assert_equal "$(tr -d '\0' <cow | wc -c)" 0
    tables N
    assert_equal "$output" "0 2048 snapshot origin cow N 8
0 2048 snapshot-origin origin"
    tables N --chunk-size 1000
    assert_status 16
    made one-entry
    tables N,snapshot
    assert_status 8
    assert_said "with N the kernel overwrites it, which needs -f"
    tables N,snapshot -f
    assert_status 0
    unchanged
}

@test "words that do not go together" {
    local words
    made one-entry
    for words in P,PO p,N snapshot,snapshot-merge snapshot-origin,snapshot-merge N,snapshot-merge Q 'P,' ''; do
        tables "$words"
        assert_status 16
        assert_equal "$output" ""
    done
    tables N,snapshot --label x
    assert_status 16
    assert_said "with N no store is made"
    unchanged
}

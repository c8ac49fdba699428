#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The crash explorers and the fault sweep find what they are there for: lib/ with one promise broken (mutants/) does
# not pass. For promises that no crash and no fault can break it is a unit test, or a command test.

mutants=$SRCDIR/tests/crash/mutants

# The word behind a label in a mutant's head.
head_of() {
    sed -n "s/^# $2: //p" "$mutants/$1.sed"
}

# By an explorer or the sweep: the workload that must not pass.
by_explorer() {
    MAKEFLAGS='' make -s -C "$BUILDDIR" explore-mutant EXPLORER="$2" MUTANT="$1"
    run timeout 300 $WRAPPER "$1.$2" "$3"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == "not ok 1 - $3: broken promise"$'\n# '*$'\n1..1' ]]
}

# By a unit test: the function that must fail.
by_unit_test() {
    [ -e "$BUILDDIR/tests/unit/$2.o" ] || skip "needs cmocka"
    MAKEFLAGS='' make -s -C "$BUILDDIR" unit-mutant UNIT="$2" MUTANT="$1"
    run timeout 300 $WRAPPER "$1.$2"
    echo "$output"
    [ "$status" -ne 0 ]
    grep -qE "^not ok [0-9]+ - $3\$" <<<"$output"
}

# By a command test of snapmerge: what should be refused (8) goes through.
by_command_test() {
    local program build=$BATS_TEST_TMPDIR/build
    mkdir -p "$build/tools"
    for program in snapcreate snapinspect snapcheck; do
        ln -s "$BUILDDIR/tools/$program" "$build/tools"
    done
    MAKEFLAGS='' make -s -C "$BUILDDIR" program-mutant PROGRAM="$build/tools/snapmerge" MUTANT="$1" SOURCE="$2"
    run env -i PATH="$PATH" TMPDIR="$BATS_TEST_TMPDIR" BATS_LIB_PATH="$BATS_LIB_PATH" SRCDIR="$SRCDIR" \
        BUILDDIR="$build" WRAPPER="$WRAPPER" "$BATS_ROOT/bin/bats" --tap -f "$4" "$SRCDIR/tests/cli/$3"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == *"not ok 1 $4"* && $output == *"exit status 0, expected 8"* ]]
}

# Changes a copy of one source of lib/ or tools/; what is built with it is found.
found() {
    local source with test changed
    source=$(head_of "$1" In)
    with=$(head_of "$1" With)
    test=$(head_of "$1" 'Found by')

    changed=$BATS_TEST_TMPDIR/$(basename "$source")
    sed -E -f "$mutants/$1.sed" "$SRCDIR/$source" >"$changed"
    run diff -q "$SRCDIR/$source" "$changed"
    [ "$status" -eq 1 ]

    case $with in
    *.bats) by_command_test "$changed" "$source" "$with" "$test" ;;
    test_*) by_unit_test "$changed" "$with" "$test" ;;
    *) by_explorer "$changed" "${with:-explore}" "$test" ;;
    esac
}

@test "every mutant has its test, and says what it breaks" {
    run bash -c "sed -n 's/^    found //p' '$BATS_TEST_FILENAME' | sort | diff - <(cd '$mutants' && ls | sed 's/[.]sed\$//' | sort)"
    [ "$status" -eq 0 ]
    for name in $(sed -n 's/^    found //p' "$BATS_TEST_FILENAME"); do
        echo "$name"
        [ -n "$(head_of "$name" Breaks)" ]
        [ -n "$(head_of "$name" In)" ]
        [ -n "$(head_of "$name" 'Found by')" ]
    done
}

@test "found: no origin flush" {
    found no-origin-flush
}

@test "found: clear from the front" {
    found clear-from-the-front
}

@test "found: clear before copy" {
    found clear-before-copy
}

@test "found: checkpoint before flush" {
    found checkpoint-before-flush
}

@test "found: checkpoint trusted" {
    found checkpoint-trusted
}

@test "found: combined cut" {
    found combined-cut
}

@test "found: commit after failed flush" {
    found commit-after-failed-flush
}

@test "found: compared in part" {
    found compared-in-part
}

@test "found: cut before origin flush" {
    found cut-before-origin-flush
}

@test "found: cut not flushed" {
    found cut-not-flushed
}

@test "found: first area only" {
    found first-area-only
}

@test "found: hidden areas first" {
    found hidden-areas-first
}

@test "found: kept cow cleared" {
    found kept-cow-cleared
}

@test "found: no flush between units" {
    found no-flush-between-units
}

@test "found: list not flushed first" {
    found list-not-flushed-first
}

@test "found: not clipped" {
    found not-clipped
}

@test "found: one entry too many" {
    found one-entry-too-many
}

@test "found: origin flush if run wrote" {
    found origin-flush-if-run-wrote
}

@test "found: origin flush if window wrote" {
    found origin-flush-if-window-wrote
}

@test "found: origin unread unwritten" {
    found origin-unread-unwritten
}

@test "found: read errors ignored" {
    found read-errors-ignored
}

@test "found: retry failed flush" {
    found retry-failed-flush
}

@test "found: stop is success" {
    found stop-is-success
}

@test "found: terminator first" {
    found terminator-first
}

@test "found: unchecked window" {
    found unchecked-window
}

@test "found: window too far" {
    found window-too-far
}

@test "found: rate between requests only" {
    found rate-between-requests-only
}

@test "found: window whatever the rate" {
    found window-whatever-the-rate
}

@test "found: undo of another merge" {
    found undo-of-another-merge
}

@test "found: write errors ignored" {
    found write-errors-ignored
}

@test "found: wrong buffer" {
    found wrong-buffer
}

@test "found: cut errors ignored" {
    found cut-errors-ignored
}

@test "found: append not flushed" {
    found append-not-flushed
}

@test "found: canonical chunks" {
    found canonical-chunks
}

@test "found: combined bad tail" {
    found combined-bad-tail
}

@test "found: copied twice" {
    found copied-twice
}

@test "found: copy out too late" {
    found copy-out-too-late
}

@test "found: entries before data" {
    found entries-before-data
}

@test "found: linked too early" {
    found linked-too-early
}

@test "found: move from the back" {
    found move-from-the-back
}

@test "found: move not flushed" {
    found move-not-flushed
}

@test "found: next area not zeroed" {
    found next-area-not-zeroed
}

@test "found: one write append" {
    found one-write-append
}

@test "found: second sibling forgotten" {
    found second-sibling-forgotten
}

@test "found: sibling lists not flushed first" {
    found sibling-lists-not-flushed-first
}

@test "found: skipped unflushed" {
    found skipped-unflushed
}

@test "found: stale areas kept" {
    found stale-areas-kept
}

@test "found: unlinked before data" {
    found unlinked-before-data
}

@test "found: unreadable forgotten" {
    found unreadable-forgotten
}

@test "found: unwritable forgotten" {
    found unwritable-forgotten
}

@test "found: verified by nobody" {
    found verified-by-nobody
}

@test "found: unkept overwritten" {
    found unkept-overwritten
}

@test "found: commit after sibling failure" {
    found commit-after-sibling-failure
}

@test "found: end not flushed" {
    found end-not-flushed
}

@test "found: unread is verified" {
    found unread-is-verified
}

@test "found: bad half told" {
    found bad-half-told
}

@test "found: dropped at once" {
    found dropped-at-once
}

@test "found: dropped early" {
    found dropped-early
}

@test "found: dropped unflushed" {
    found dropped-unflushed
}

@test "found: copy behind the end" {
    found copy-behind-the-end
}

@test "found: drop over an area that stays" {
    found drop-over-an-area-that-stays
}

@test "found: extra area kept" {
    found extra-area-kept
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The crash explorers and the fault sweep find what they are there for: lib/ with one promise broken (mutants/) does
# not pass.

mutants=$SRCDIR/tests/crash/mutants

# The word behind a label in a mutant's head.
head_of() {
    sed -n "s/^# $2: //p" "$mutants/$1.sed"
}

# Changes one file of a copy of lib/, links explorer or sweep with it, and runs the workload that must not pass.
found() {
    local file workload explorer dir=$BATS_TEST_TMPDIR/lib
    file=$(head_of "$1" In)
    explorer=$(head_of "$1" With)
    explorer=${explorer:-explore}
    workload=$(head_of "$1" 'Found by')

    mkdir "$dir"
    cp "$SRCDIR"/lib/*.[ch] "$dir"
    chmod u+w "$dir"/*
    sed -E -i -f "$mutants/$1.sed" "$dir/$file"
    run diff -rq "$SRCDIR/lib" "$dir"
    [ "$(grep -v "^Only in $SRCDIR/lib: " <<<"$output")" = "Files $SRCDIR/lib/$file and $dir/$file differ" ]

    MAKEFLAGS='' make -s -C "$BUILDDIR" explore-mutant EXPLORER="$explorer" MUTANT="$dir/$file"
    run timeout 300 $WRAPPER "$dir/$file.$explorer" "$workload"
    echo "$output"
    [ "$status" -eq 1 ]
    [[ $output == "not ok 1 - $workload: broken promise"$'\n# '*$'\n1..1' ]]
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

@test "found: no settle" {
    found no-settle
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

@test "found: siblings not settled" {
    found siblings-not-settled
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

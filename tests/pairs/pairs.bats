#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The judgement of pairs, on pairs that the kernel made: the right origin is found, no wrong one is taken for it.

load ../kernel/lib.bash

# One set of pairs for all tests: origins, stores, and each store judged with each origin.
setup_file() {
    uml_setup_file || return 0
    "$SRCDIR/tests/pairs/make-pairs" --small --jobs 2 "$S/pairs" || return 1
    "$SRCDIR/tests/pairs/measure" --lines "$S/lines" "$S/pairs" >"$S/table" || return 1
    "$SRCDIR/tests/pairs/measure" --identify --lines "$S/known" "$S/pairs" >"$S/known-table"
}

setup() {
    uml_setup
}

teardown() {
    [ -n "${BATS_TEST_COMPLETED-}" ] || { [ ! -e "$S/table" ] || cat "$S"/*table "$S/lines" "$S/known"; }
}

# lines PATTERN: of $S/lines. What stands in them is told in tests/pairs/measure and judge.c.
lines() {
    grep -E "$1" "$S/lines"
}

@test "the right origin is never contradicted, and most often likely" {
    [ "$(lines '^right ' | wc -l)" -ge 3 ]
    run lines '^right [^ ]+ [^ ]+ contradicted '
    assert_output ''
    [ "$(lines '^right [^ ]+ [^ ]+ likely ' | wc -l)" -ge $(($(lines '^right ' | wc -l) - 1)) ]
}

@test "no unrelated origin, no partition for its disk and no disk for its partition is likely or proven" {
    [ "$(lines '^(same-type|other-type|part-or-disk) ' | wc -l)" -ge 6 ]
    run lines '^(same-type|other-type|part-or-disk) [^ ]+ [^ ]+ (likely|proven) '
    assert_output ''
}

@test "a file system that was made alike and holds the same files is contradicted" {
    [ "$(lines '^twin ' | wc -l)" -eq 2 ]
    run lines '^twin [^ ]+ [^ ]+ (likely|proven|unknown) '
    assert_output ''
}

@test "content alone finds the right origin, and never makes an unrelated one likely" {
    run lines '^(same-type|other-type|part-or-disk) ([^ ]+ ){4}likely '
    assert_output ''
    [ "$(lines '^right ([^ ]+ ){4}likely ' | wc -l)" -ge $(($(lines '^right ' | wc -l) - 1)) ]
    [ "$(lines '^right ([^ ]+ ){4}likely ' | wc -l)" -ge 3 ]
}

@test "with a record and a fingerprint the right origin stays right, and every unrelated one is contradicted" {
    [ "$(grep -cE '^right ' "$S/known")" -ge 3 ]
    run grep -E '^right [^ ]+ [^ ]+ (unknown|contradicted) ' "$S/known"
    assert_output ''
    [ "$(grep -cE '^(same-type|other-type|part-or-disk) ' "$S/known")" -ge 6 ]
    run grep -E '^(same-type|other-type|part-or-disk) [^ ]+ [^ ]+ (proven|likely|unknown) ' "$S/known"
    assert_output ''
}

# lost IMAGE: the KiB of a chunk and the entries of a list behind a header that is none; nothing where there is none.
lost() {
    tool snapcheck "$1" 2>&1 | sed -n 's/.*, but \([0-9]*\) entr[a-z]* of a store with chunks of \([0-9]*\) KiB .*/\2 \1/p'
}

@test "the list of a store is found without its header, and no list where there is no store" {
    local name chunk_sectors entries image images=0
    while read -r name _ _ chunk_sectors _ entries; do
        echo "# $name"
        cp --sparse=always "$S/pairs/$name.cow" "$BATS_TEST_TMPDIR/cow"
        dd if=/dev/zero of="$BATS_TEST_TMPDIR/cow" bs=512 count=1 conv=notrunc status=none
        run -0 lost "$BATS_TEST_TMPDIR/cow"
        assert_output "$((chunk_sectors / 2)) $entries"
        for image in "$S/pairs/$name".{origin,earlier,later,other,part,disk}; do
            [ -e "$image" ] || continue
            # libblkid must not know it: what it knows is never taken for a list.
            cp --sparse=always "$image" "$BATS_TEST_TMPDIR/image"
            wipefs --quiet --force --all "$BATS_TEST_TMPDIR/image"
            dd if=/dev/zero of="$BATS_TEST_TMPDIR/image" bs=512 count=1 conv=notrunc status=none
            run -0 lost "$BATS_TEST_TMPDIR/image"
            assert_output ''
            images=$((images + 1))
        done
    done <"$S/pairs/pairs"
    [ "$images" -ge 10 ]
}

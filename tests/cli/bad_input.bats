#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Each recipe of tests/images: exit statuses, exactly the one finding and its place, no byte changed by a refusal.

# A recipe without a test fails the whole file.
setup_file() {
    local file name
    for file in "$SRCDIR"/tests/images/*.recipe; do
        name=${file##*/}
        grep -q "holds ${name%.recipe}\$" "$BATS_TEST_FILENAME" || {
            echo "no test for $name" >&2
            return 1
        }
    done
}

setup() {
    load helpers
    load images
}

# expected WORD: what stands behind "expect WORD" in the recipe, one per line.
expected() {
    sed -n "s/^expect $1 *//p" "$recipe"
}

inspects_as_expected() {
    program snapinspect --origin "$origin" "$cow"
    assert_status "$(expected inspect)"
    images_unchanged
    if [ "$status" -ne 0 ]; then
        assert_said "snapinspect: $cow"
        return
    fi
    [ "$(expected merge)" -eq 0 ] || return 0
    program snapinspect --origin "$origin" --extract "$BATS_TEST_TMPDIR/extracted.img" "$cow"
    assert_status 0
    cmp "$BATS_TEST_TMPDIR/extracted.img" "$view"
    images_unchanged
}

checks_as_expected() {
    local found place
    program snapcheck --origin "$origin" --json "$cow"
    assert_status "$(expected check)"
    images_unchanged
    found=$(jq -r '.findings[] | select(.severity != "note") | .rule + " " + .severity' <<<"$output")
    assert_equal "${found:-none}" "$(expected rule)"
    found=$(jq -r '.findings[] | select(.severity == "note") | .rule' <<<"$output" | sort)
    assert_equal "$found" "$(expected note | sort)"
    assert_equal "$(jq .exit_status <<<"$output")" "$status"
    place=$(expected place)
    if [ -n "$place" ]; then
        found=$(jq -r '.findings[] | select(.severity != "note") | "area \(.area) slot \(.slot)"' <<<"$output")
        assert_equal "${found% slot null}" "$place"
        program snapcheck --origin "$origin" "$cow"
        assert_status "$(expected check)"
        [[ $output$stderr == *"$cow: $place"* ]]
    fi
}

merges_as_expected() {
    program snapmerge --origin "$origin" --cow "$cow"
    assert_status "$(expected merge)"
    if [ "$status" -ne 0 ]; then
        images_unchanged
        if [ "$status" -eq 4 ]; then
            assert_said "snapmerge: $cow: $(expected place)"
        else
            assert_said "snapmerge: $cow: "
        fi
        assert_said "Nothing was written."
        return
    fi
    cmp "$origin" "$view"
    # Valid and empty: the header is as it was, and no byte of area 0 is left.
    local chunk_bytes
    chunk_bytes=$(($(sed -n 's/^chunk_sectors //p' "$recipe") * 512))
    "$BUILDDIR/tests/images/mkstore" "$recipe" "$BATS_TEST_TMPDIR/first.img" "$BATS_TEST_TMPDIR/first-origin.img"
    cmp -n "$chunk_bytes" "$cow" "$BATS_TEST_TMPDIR/first.img"
    cmp -n "$chunk_bytes" -i "$chunk_bytes:0" "$cow" /dev/zero
    program snapcheck --origin "$origin" "$cow"
    assert_status 0
}

# A dry run and the plain call decide alike; it writes nothing, whatever the decision.
dry_run_agrees() {
    program snapmerge --dry-run --origin "$origin" --cow "$cow"
    assert_status "$(expected merge)"
    images_unchanged
}

holds() {
    images_make "$1"
    inspects_as_expected
    checks_as_expected
    dry_run_agrees
    merges_as_expected
}


@test "empty: Sound: no entries" {
    holds empty
}

@test "one-entry: Sound: one entry" {
    holds one-entry
}

@test "areas-sectors: Sound: chunks of one sector, the list in four areas" {
    holds areas-sectors
}

@test "areas-chunks: Sound: chunks of 4 KiB, the list in three areas" {
    holds areas-chunks
}

@test "area-exactly-full: Sound: the list fills area 0 exactly and ends at the start of area 1" {
    holds area-exactly-full
}

@test "odd-origin: Sound: the origin ends inside its last chunk, which has an entry" {
    holds odd-origin
}

@test "partial-cow-chunk: Sound: the COW device ends inside a chunk" {
    holds partial-cow-chunk
}

@test "unordered: Sound: data chunks in another order, as kernels before 3.13 wrote them" {
    holds unordered
}

@test "holes: Sound: data chunks that no entry uses, left by a crash of an old kernel" {
    holds holes
}

@test "entry-repeated: Sound: three entries occur twice, the same each time, across two areas" {
    holds entry-repeated
}

@test "copied-area: Sound: area 1 begins with a copy of the only entry, left by a merge that moved it and was cut short" {
    holds copied-area
    # The copy is gone with the entry: nothing looks cut off.
    program snapcheck --origin "$origin" --json "$cow"
    assert_status 0
    assert_equal "$(jq -r '.findings[].rule' <<<"$output")" chunk-unusual
}

# The only entries for what may be missed are left alone: area 1 of a store of 4 KiB chunks.
keeps_area_1() {
    images_make "$1"
    cp "$cow" "$BATS_TEST_TMPDIR/before.img"
    program snapmerge --origin "$origin" --cow "$cow"
    assert_status 0
    cmp -i $((258 * 4096)) -n 4096 "$cow" "$BATS_TEST_TMPDIR/before.img"
    run -1 cmp -s -i $((258 * 4096)):0 -n 4096 "$cow" /dev/zero
}

@test "cut-overwritten: Sound: was cut off, and has a new entry for the first chunk that was cut off; area 1 holds 143 more" {
    holds cut-overwritten
    keeps_area_1 cut-overwritten
}

@test "cut-half-merged: Looks cut, the one entry that fits is already in the origin; but area 1 holds 142 more behind it" {
    holds cut-half-merged
    keeps_area_1 cut-half-merged
}

@test "earlier-snapshot: Sound: the list ends inside a sector, and area 1 goes on exactly: an earlier snapshot in the same place has left that" {
    holds earlier-snapshot
    keeps_area_1 earlier-snapshot
    # Nothing of it is offered, and nothing comes back.
    images_make earlier-snapshot
    program snapcheck -y --accept=view-change --origin "$origin" "$cow"
    assert_status 0
    assert_not_said "can be"
    images_unchanged
}

@test "list-cut: the third reading is said where a list ends at the border of a sector" {
    images_make cut
    program snapmerge --origin "$origin" --cow "$cow"
    assert_status 8
    assert_said "may have been cut off by a fault, or be left of an earlier snapshot in the same place; to go on"
    program snapcheck --list-rules
    [[ $output == *"or be left of an earlier snapshot in the same place"* ]]
}

@test "stale-areas: Sound: area 1 holds leftovers that do not continue the list" {
    holds stale-areas
}

@test "exact-fit: Sound: a device of exactly one full area, whose last chunk cannot be used" {
    holds exact-fit
}

@test "valid-2: Sound: valid is 2, which the kernel takes for valid" {
    holds valid-2
}

@test "header-spare: Sound: unknown bytes behind the header" {
    holds header-spare
}

@test "full: Sound, but full: the next exception overflows it" {
    holds full
}

@test "cut-merged: Looks cut, but what was cut off is already in the origin" {
    holds cut-merged
}

@test "not-a-store: Text where the header should be" {
    holds not-a-store
}

@test "magic-0: Zeros where the header should be, entries behind them" {
    holds magic-0
}

@test "invalid: The kernel has marked the store invalid" {
    holds invalid
}

@test "version-2: Disk version 2" {
    holds version-2
}

@test "chunk-0: A chunk size of 0" {
    holds chunk-0
}

@test "chunk-3: A chunk size that is no power of two" {
    holds chunk-3
}

@test "chunk-huge: A power of two above the largest chunk size" {
    holds chunk-huge
}

@test "chunk-beyond-device: A chunk size larger than the device: area 0 is not on it" {
    holds chunk-beyond-device
}

@test "no-area: The device ends behind the header chunk: area 0 is missing" {
    holds no-area
}

@test "too-small: A file that cannot hold a header" {
    holds too-small
}

@test "old-beyond-origin: An entry for the first chunk behind the origin" {
    holds old-beyond-origin
}

@test "old-beyond-odd-origin: An entry for the chunk behind an origin's partial last chunk" {
    holds old-beyond-odd-origin
}

@test "new-beyond-cow: Data in the first chunk behind the COW device" {
    holds new-beyond-cow
}

@test "new-on-partial-chunk: Data in the partial chunk at the end of the COW device" {
    holds new-on-partial-chunk
}

@test "new-on-area-0: Data in the chunk of area 0" {
    holds new-on-area-0
}

@test "new-on-later-area: Data in the chunk of an area that is not used yet" {
    holds new-on-later-area
}

@test "new-top-byte: The top byte of a data chunk is set: the kernel takes it for a count" {
    holds new-top-byte
}

@test "duplicate-old: Two entries for one origin chunk" {
    holds duplicate-old
}

@test "duplicate-old-far: Two entries for one origin chunk, two areas apart" {
    holds duplicate-old-far
}

@test "duplicate-new: Two entries with one data chunk" {
    holds duplicate-new
}

@test "duplicate-new-far: Two entries with one data chunk, two areas apart" {
    holds duplicate-new-far
}

@test "entry-new-outlier: One data chunk far behind those of the list, in the middle of entries in their places" {
    holds entry-new-outlier
}

@test "entry-lost: A slot in the middle has a copy of the entry before it: what it had is lost, but for its data" {
    holds entry-lost
}

@test "entry-repeated-differs: An entry that occurs twice, and a third one with its origin chunk and other data" {
    holds entry-repeated-differs
}

@test "entry-repeated-often: One entry stands in the list 17 times, more than interrupted moves can leave" {
    holds entry-repeated-often
}

@test "garbage-behind-end: Entries behind the terminator of the last area" {
    holds garbage-behind-end
}

@test "terminator-with-old: The terminator names an origin chunk" {
    holds terminator-with-old
}

@test "list-past-end: The list fills its area, and the device ends before the next one" {
    holds list-past-end
}

@test "cut: The list ends early, and later areas continue it exactly with data the origin lacks" {
    holds cut
}

@test "cut: --accept=cut merges what the list still holds" {
    images_make cut
    program snapmerge --accept=cut --origin "$origin" --cow "$cow"
    assert_status 0
    cmp "$origin" "$view"
}

@test "cut: --yes answers questions, it does not accept the cut" {
    images_make cut
    program snapmerge --yes --origin "$origin" --cow "$cow"
    assert_status 8
    images_unchanged
}

@test "snapcheck without an origin leaves out the rules about it" {
    images_make old-beyond-origin
    program snapcheck --json "$cow"
    assert_status 0
    assert_equal "$(jq '.findings | length' <<<"$output")" 0
    images_unchanged
}

# says_no_plural_of_one: of what was printed and said.
says_no_plural_of_one() {
    local things='(data |free |whole |sampled )?(chunks|entries|sectors|bytes|blocks|places|samples|findings|flushes|requests|runs)'
    local text=$output$'\n'$stderr
    text=${text// of 1 / of N }
    if grep -E "(^|[^0-9.,/])1 $things" <<<"$text" ||
        grep -E "(^|[^0-9.,/])1 of [0-9N]+ [a-z ]* (are|have|lie|were|belong)( |\$)" <<<"$text"; then
        printf '%s\n' "$output" "$stderr" >&2
        return 1
    fi
}

@test "one is no plural, in what is said of any of them" {
    local file option
    for file in "$SRCDIR"/tests/images/*.recipe; do
        file=${file##*/}
        images_make "${file%.recipe}"
        for option in "" -v; do
            # shellcheck disable=SC2086
            program snapcheck $option --origin "$origin" "$cow" && says_no_plural_of_one
            # shellcheck disable=SC2086
            program snapinspect $option --origin "$origin" "$cow" && says_no_plural_of_one
            # shellcheck disable=SC2086
            program snapmerge -n $option --origin "$origin" --cow "$cow" && says_no_plural_of_one
        done
        program snapmerge --undo "$BATS_TEST_TMPDIR/undo" --origin "$origin" --cow "$cow" && says_no_plural_of_one
        rm -f "$BATS_TEST_TMPDIR/undo"
    done
    # One entry beyond the end of its origin, and beyond the end of its COW; one chunk that differs.
    images_make one-entry
    truncate -s 512 "$BATS_TEST_TMPDIR/short"
    program snapcheck --origin "$BATS_TEST_TMPDIR/short" "$cow" && says_no_plural_of_one
    truncate -s 4096 "$BATS_TEST_TMPDIR/short"
    program snapcheck --origin "$BATS_TEST_TMPDIR/short" "$cow" && says_no_plural_of_one
    program snapmerge --origin "$BATS_TEST_TMPDIR/short" --cow "$cow" && says_no_plural_of_one
    truncate -s 8192 "$cow"
    program snapcheck --origin "$origin" "$cow" && says_no_plural_of_one
    program snapmerge --origin "$origin" --cow "$cow" && says_no_plural_of_one
    printf x >"$BATS_TEST_TMPDIR/x"
    program snapmerge --origin "$origin" --cow "$BATS_TEST_TMPDIR/x" && says_no_plural_of_one
    cp "$origin" "$BATS_TEST_TMPDIR/new"
    printf x | dd of="$BATS_TEST_TMPDIR/new" bs=1 seek=5000 conv=notrunc status=none
    program snapcreate --origin "$origin" --cow "$BATS_TEST_TMPDIR/made" --size 1536 --chunk-size 512 \
        --from-diff "$BATS_TEST_TMPDIR/new" && says_no_plural_of_one
    program snapcreate --origin "$origin" --cow "$BATS_TEST_TMPDIR/made" --size 512 --chunk-size 512 && says_no_plural_of_one
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Stores that are marked invalid: what they still hold is shown, what is certain is said, and the view can be taken out.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
}

# given_up NAME: origin, cow, view of a recipe; `sound` is the store as it was before `cow` was marked invalid.
given_up() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
    cp cow sound
    printf '\0' | dd of=cow bs=1 seek=4 conv=notrunc status=none
    cp cow before
    cp origin origin.before
}

unchanged() {
    cmp cow before
    cmp origin origin.before
}

@test "entries, usage and list are those of the store before it was given up" {
    local name expected
    for name in one-entry unordered full area-exactly-full; do
        given_up "$name"
        program snapinspect --list --raw sound
        assert_status 0
        expected=$output
        program snapinspect --list --raw cow
        assert_status 4
        assert_equal "$output" "$expected"
        program snapinspect --json sound
        expected=$(jq -c '.result | [.entries, .runs, .areas, .usage, .free_chunks]' <<<"$output")
        program snapinspect --json cow
        assert_status 4
        assert_equal "$(jq -c '.result | [.entries, .runs, .areas, .usage, .free_chunks]' <<<"$output")" "$expected"
        unchanged
    done
}

@test "no free chunk: it overflowed; free chunks: that is not known" {
    given_up full
    program snapcheck cow
    assert_status 4
    assert_shown "cow: it overflowed, no chunk is free"
    assert_shown "of the snapshot are here and right"
    assert_shown "free chunks: invalid"
    assert_shown "none is, if the origin was only read"
    [[ $output != *", no free chunk: usable"* && $output != *clean* ]]
    program snapcheck --json cow
    assert_json '.result | "\(.verdict) \(.invalid_cause) \(.usable)"' "not-usable overflow false"
    assert_json '[.findings[] | select(.rule == "store-invalid").severity] | join(" ")' fatal
    given_up one-entry
    program snapinspect cow
    assert_status 4
    assert_shown "37 of 38 chunks are free: a read or write failed"
    assert_shown "1 chunk of the snapshot is here and right"
    assert_said "snapinspect --extract FILE --accept=invalid --origin ORIGIN cow"
    program snapinspect --json cow
    assert_json .result.invalid_cause overflow-or-error
    program snapinspect --json sound
    assert_json .result.invalid_cause null
    given_up empty
    program snapcheck cow
    assert_shown "it holds no chunk of the snapshot"
    unchanged
}

@test "--extract and --output refuse it, and write what it still shows with --accept=invalid" {
    local writes
    given_up unordered
    for writes in 'snapinspect --extract' 'snapmerge --output'; do
        # shellcheck disable=SC2086
        program $writes new --origin origin --cow cow
        assert_status 4
        assert_said "marked invalid"
        assert_said "to see what it still holds, and how to get that out: snapinspect --origin origin cow"
        assert_said "Nothing was written."
        # shellcheck disable=SC2086
        program $writes new --accept=identity,cut --origin origin --cow cow
        assert_status 4
        [ ! -e new ]
        # shellcheck disable=SC2086
        program $writes new --dry-run --accept=invalid --origin origin --cow cow
        assert_status 0
        assert_said "cow: any other chunk is wrong if the origin was written to there since"
        [ ! -e new ]
        # shellcheck disable=SC2086
        program $writes new --json --accept=invalid --origin origin --cow cow
        assert_status 4
        assert_said "the store is marked invalid: what it shows may not be all of the snapshot"
        assert_json '"\(.exit_status) \(.result.output.complete)"' "4 true"
        cmp new view
        rm new
        unchanged
    done
}

@test "the command that snapinspect names works" {
    local line
    given_up one-entry
    program snapinspect --origin origin cow
    assert_status 4
    line=$(sed -n 's/^.*: \(snapinspect --extract .*\)$/\1/p' <<<"$stderr")
    eval "program ${line/FILE/new}"
    assert_status 4
    cmp new view
}

@test "no word makes snapmerge merge it, or keep its view" {
    given_up one-entry
    program snapmerge --accept=identity,cut,invalid --origin origin --cow cow
    assert_status 4
    assert_said "Nothing was written."
    unchanged
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/unordered.recipe" other origin view
    cp origin origin.before
    cp other other.before
    program snapmerge --accept=invalid --preserve cow --origin origin --cow other
    [ "$status" -ne 0 ]
    unchanged
    cmp other other.before
}

@test "what is damaged besides is not taken out, and nothing is said to be right" {
    given_up duplicate-old
    program snapcheck cow
    assert_status 4
    assert_shown "store-invalid"
    assert_shown "duplicate-old"
    [[ $output != *"here and right"* ]]
    program snapinspect --extract new --accept=invalid --origin origin cow
    assert_status 4
    [ ! -e new ]
    unchanged
}

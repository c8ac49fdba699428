#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What people type first: devices without their options, the wrong device, and what they are told then.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/one-entry.recipe" cow origin view
}

# --- the line that was meant -----------------------------------------------------------------------
# assert_meant LINE: a usage error that ends with this line to paste.
assert_meant() {
    assert_usage_error "unexpected operand '"
    assert_said "so this was meant:"
    assert_equal "${stderr##*$'\n'}" "  $name $1"
}

@test "devices without their options, in either order: the line that was meant, with what was asked for" {
    remember origin cow
    for name in snapmerge snapinspect snapcheck; do
        program "$name" origin cow
        assert_meant '--origin origin --cow cow'
        program "$name" -n cow --memory=64M origin
        assert_meant '--origin origin --cow cow --dry-run --memory 64M'
    done
    assert_untouched
}

@test "the line that was meant can be pasted, whatever the names are" {
    mv cow "the store's"
    program snapcheck origin "the store's"
    assert_status 16
    eval "program ${stderr##*$'\n'}"
    assert_status 0
}

@test "one device without its option; two of which none is a store; snapcreate" {
    program snapmerge --origin origin cow
    assert_status 16
    assert_said '  snapmerge --origin origin --cow cow'
    program snapmerge origin view
    assert_status 16
    assert_said 'neither of these two holds a snapshot store. If the COW is view, this was meant:'
    assert_said '  snapmerge --origin origin --cow view'
    program snapcreate origin new --size max
    assert_status 16
    assert_said '  snapcreate --origin origin --cow new --size max'
    [ ! -e new ]
    program snapmerge cow
    assert_status 16
    assert_not_said 'meant'
}

@test "--cow in snapinspect and snapcheck is the operand, and not both" {
    for name in snapinspect snapcheck; do
        program "$name" --origin origin cow
        local before=$output
        program "$name" --cow cow --origin origin
        assert_status 0
        assert_equal "$output" "$before"
        program "$name" --cow cow cow
        assert_usage_error 'the COW is named twice: --cow cow, and the operand cow'
    done
    program snapinspect --origin origin --cow cow --extract out
    assert_status 0
    cmp out view
}

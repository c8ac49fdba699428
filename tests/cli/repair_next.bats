#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# What to type next where a repair is refused or has left something, and what is said before one that leaves much.
# shellcheck disable=SC2016,SC2034,SC2154

setup() {
    load helpers
    load work
    in_folder
}

teardown() {
    ! mountpoint -q small || umount small
}

recipe() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
    cp cow cow.before
}

# small OPTION...: a file system in memory, in the folder of that name.
small() {
    [ "$(id -u)" -eq 0 ] || skip "needs root to mount"
    mkdir small
    mount -t tmpfs "$@" none small || skip "needs to mount"
}

@test "a store that takes no writes: the line that mends it in another place is said, and does it" {
    recipe new-top-byte
    small
    cp cow small/cow
    mount -o remount,ro small
    for dry_run in -n ""; do
        program snapcheck $dry_run -y --accept=view-change small/cow
        assert_status 8
        assert_said "small/cow: cannot open for writing: Read-only file system"
        assert_said "snapcheck --repair-to FILE --origin ORIGIN small/cow"
    done
    program snapcheck -y --accept=view-change --origin origin small/cow
    assert_said "snapcheck --repair-to FILE --origin origin small/cow"
    program snapcheck -y --accept=view-change missing
    assert_not_said "--repair-to"
    program snapcheck --repair-to new --accept=view-change --origin origin small/cow
    assert_status 1
    program snapinspect --origin origin --extract out new
    cp cow mended
    program snapcheck -y --accept=view-change mended
    program snapinspect --origin origin --extract expected mended
    cmp out expected
    cmp small/cow cow.before
}

@test "a full file system: another place for the old bytes is named, and does it" {
    recipe new-top-byte
    small -o size=400k
    cp cow small/cow
    dd if=/dev/zero of=small/fill bs=1k status=none || true
    program snapcheck -y --accept=view-change small/cow
    assert_status 8
    assert_said "small/cow.old-bytes: cannot write: No space left on device"
    assert_said "small/cow.old-bytes: the old bytes can also go to another file system: add --save-old FILE"
    cmp small/cow cow.before
    program snapcheck -y --accept=view-change --save-old old small/cow
    assert_status 1
    program snapcheck --put-back old small/cow
    cmp small/cow cow.before
    program snapcheck -y --accept=view-change --save-old small/old small/cow
    assert_status 8
    assert_said "add --save-old FILE"
}

@test "a list that goes on behind the end of the device: the line that takes out the rest is said, and does it" {
    recipe list-past-end
    program snapcheck cow
    assert_status 8
    assert_said "snapcheck --repair-to FILE --origin ORIGIN cow"
    program snapcheck --origin origin cow
    assert_said "snapcheck --repair-to FILE --origin origin cow"
    program snapcheck --repair-to new --accept=view-change --origin origin cow
    assert_status 1
    program snapcheck new
    assert_status 0
    [[ $output == *"new: 255 entries"* ]]
}

@test "a list that was cut, and no origin: the line to type has a place for the origin" {
    recipe cut
    program snapcheck cow
    assert_said "snapcheck -n -y --accept=view-change --origin ORIGIN cow"
    program snapcheck --origin origin cow
    assert_said "snapcheck -n -y --accept=view-change --origin origin cow"
}

@test "before a store becomes valid again it is said what may be missing, once" {
    recipe invalid
    program snapcheck -y --accept=revalidate cow
    assert_status 1
    assert_said "any other chunk is wrong if the origin was written to there since"
    program snapcheck --put-back cow.old-bytes cow
    program snapcheck -n -y --accept=revalidate cow
    assert_equal "$(grep -c 'any other chunk is wrong' <<<"$stderr$output")" 1
}

@test "a mended store that has warnings names them, and a quiet run does not begin to" {
    recipe full
    printf '\002' | dd of=cow bs=1 seek=4 conv=notrunc status=none
    program snapcheck -y cow
    assert_status 1
    [[ $output == *"usable, with warnings: store-full"* ]]
    recipe valid-2
    rm -f cow.old-bytes
    program snapcheck -q -y cow
    assert_status 1
    assert_equal "$output" "cow: valid is 2 at byte 4, expected 1 (note: valid-value)"
}

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
        assert_said "snapcheck --repair-to NEW --accept=view-change --origin ORIGIN small/cow"
    done
    program snapcheck -y --accept=view-change --origin origin small/cow
    assert_said "snapcheck --repair-to NEW --accept=view-change --origin origin small/cow"
    program snapcheck -p --origin origin small/cow
    assert_said "to see first what that gives: snapcheck -n --repair-to NEW --accept=view-change --origin origin small/cow"
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
    assert_said "snapcheck --repair-to NEW --accept=view-change --origin ORIGIN cow"
    program snapcheck --origin origin cow
    assert_said "snapcheck --repair-to NEW --accept=view-change --origin origin cow"
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

@test "another origin is named in no line that takes data from it: an invalid store, and a damaged one" {
    contents other 400000 other
    recipe cut
    printf '\0' | dd of=cow bs=1 seek=4 conv=notrunc status=none
    program snapcheck --origin other cow
    assert_said "--accept=invalid --origin ORIGIN cow"
    program snapinspect --origin other cow
    assert_said "--accept=invalid --origin ORIGIN cow"
    program snapcheck --origin origin cow
    assert_said "--accept=invalid,cut --origin origin cow"
    recipe new-top-byte
    perl -e 'print pack("Q<2", 100, 40)' | dd of=cow bs=1 seek=$((4096 + 16 * 1)) conv=notrunc status=none
    program snapcheck --origin other cow
    assert_said "--skip-damaged=origin --origin ORIGIN cow"
    program snapinspect --origin other cow
    assert_said "--skip-damaged=origin --origin ORIGIN cow"
    program snapmerge -n --origin other --cow cow
    assert_said "--skip-damaged=origin --origin ORIGIN cow"
}

# printed: each command in what was said, one in a line, with names for its placeholders.
printed() {
    sed -nE 's/.*: (snap(check|inspect|merge) -.*)$/\1/p' <<<"$output
$stderr" | sed -E 's/\b(FILE|NEW)\b/new/; s/\bORIGIN\b/origin/' | sort -u
}

# Only damage that is to be seen is a reason for a status; nothing is refused for the want of a word.
@test "each line to type is taken as it stands: of stores that are cut, damaged, invalid, and with another origin" {
    local name invalid with line lines=0
    contents other 400000 other
    for name in list-past-end cut duplicate-new new-top-byte; do
        for invalid in no yes; do
            recipe "$name"
            [ "$invalid" = no ] || printf '\0' | dd of=cow bs=1 seek=4 conv=notrunc status=none
            for with in "snapcheck cow" "snapcheck --origin origin cow" "snapcheck --origin other cow" \
                "snapcheck -n -y --accept=view-change --origin origin cow" "snapinspect --origin other cow" \
                "snapmerge -n --origin other --cow cow" "snapcheck --repair-to new --origin origin cow"; do
                # Whether this is its origin is not judged: the list has no end.
                [ "$name" != list-past-end ] || [[ $with != *other* ]] || continue
                rm -f new
                # shellcheck disable=SC2086 # options are words
                program $with
                printed >lines
                while read -r line; do
                    # Of an origin that is none, snapcheck says so; what takes data from it names another one.
                    [[ $line != *snapcheck*other* || $line == *--repair-to* ]] || continue
                    rm -f new
                    # shellcheck disable=SC2086 # no name in it needs quotes
                    program $line
                    lines=$((lines + 1))
                    # What a wrong origin is too small for does not look cut.
                    [ "$name" != cut ] || [[ $with != *other* ]] || stderr=${stderr//add --accept=cut/}
                    [[ $status != 16 && $stderr != *'add --accept'* && $stderr != *'the store reaches'* ]] || {
                        echo "$name, invalid: $invalid: $with: $line: $status: $stderr" >&2
                        return 1
                    }
                done <lines
            done
        done
    done
    [ "$lines" -gt 50 ]
}

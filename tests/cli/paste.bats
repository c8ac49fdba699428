#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A line that is printed for pasting works when it is pasted, whatever the names of the files.

setup() {
    load helpers
    load work
    in_folder
    origin="the origin's image"
    cow=$'a "cow" of 5 $ and\ta tab'
}

# made RECIPE: the images of a recipe under the names of this test.
made() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" "$cow" "$origin" view
}

# pasted LINE: as a user's shell runs it; $status, $output, $stderr.
pasted() {
    run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$1" </dev/null
}

# behind TEXT: what standard error has behind it in its line.
behind() {
    sed -n "s/^.*$1//p" <<<"$stderr"
}

@test "a damaged store: the lines that call snapcheck" {
    made new-on-area-0
    program snapmerge --origin "$origin" --cow "$cow"
    assert_status 4
    pasted "$(behind 'To see all that is wrong: ')"
    assert_status 4
    [[ $output == *": damaged"* ]]

    program snapinspect --origin "$origin" "$cow"
    pasted "$(behind 'this shows all that is wrong: ')"
    assert_status 4
    [[ $output == *" entries in chunks of "*": damaged"* ]]
}

@test "origin and COW swapped: the words to use" {
    made one-entry
    program snapmerge --origin "$cow" --cow "$origin"
    assert_status 8
    pasted "snapmerge $(behind 'swapped; use ')"
    assert_status 0
    assert_said "merged 1 chunk "
}

@test "an image for dmsetup: the line that makes a loop device of it" {
    made one-entry
    program snapcreate -n -f --print-table PO --origin "$origin" --cow "$cow"
    # shellcheck disable=SC2016
    pasted "losetup() { printf '%s\\n' \"\$@\"; }; $(behind 'to put there: ')"
    assert_equal "$output" $'--find\n--show\n'"$origin"$'\n--find\n--show\n'"$cow"
}

@test "an output that an earlier run left: the line that removes it" {
    made one-entry
    : >"new image.partial"
    program snapmerge --output "new image" --origin "$origin" --cow "$cow"
    assert_status 8
    pasted "$(behind 'repeat the command: ')"
    assert_status 0
    [ ! -e "new image.partial" ]
}

@test "a merge that is not complete, and the way back: both lines" {
    made one-entry
    cp "$origin" before
    program snapmerge --undo "it's undo" --origin "$origin" --cow "$cow"
    assert_status 0
    cmp -s before "$origin" && return 1
    pasted "$(behind 'To take it back: ')"
    assert_status 0
    cmp before "$origin"
}

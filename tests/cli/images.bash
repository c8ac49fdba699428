# SPDX-License-Identifier: GPL-2.0-or-later
# Images from recipes for the command tests, and the proof that a refused run left them alone.
# shellcheck shell=bash disable=SC2154

# images_make RECIPE: $cow and $origin in the test's folder, $view beside them.
images_make() {
    recipe=$SRCDIR/tests/images/$1.recipe
    cow=$BATS_TEST_TMPDIR/cow.img
    origin=$BATS_TEST_TMPDIR/origin.img
    view=$BATS_TEST_TMPDIR/view.img
    "$BUILDDIR/tests/images/mkstore" "$recipe" "$cow" "$origin" "$view"
    images_remember
}

images_sums() {
    sha256sum "$cow" "$origin" && stat -c '%n %s' "$cow" "$origin"
}

images_remember() {
    images_before=$(images_sums)
}

images_unchanged() {
    assert_equal "$(images_sums)" "$images_before"
}

# program_on NAME ORIGIN COW: `program` with the arguments that it takes for one origin and one COW.
program_on() {
    case $1 in
    snapinspect | snapcheck) program "$1" --origin "$2" "$3" ;;
    *) program "$1" --origin "$2" --cow "$3" ;;
    esac
}

# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of what writes a snapshot elsewhere: pairs, the proof that they stay as they are, a device to write to.
# shellcheck shell=bash disable=SC2034,SC2154

# recipe NAME: origin, cow, view in the folder.
recipe() {
    rm -f cow origin view
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
    before
}

before() {
    cp cow cow.before
    cp origin origin.before
    inputs=$(sha256sum origin cow && stat -c '%n %s %Y' origin cow)
}

# Neither content nor size nor time of either changed.
assert_inputs() {
    assert_equal "$(sha256sum origin cow && stat -c '%n %s %Y' origin cow)" "$inputs"
}

# A large pair: 8 MiB, every second chunk in the store.
pair() {
    contents origin 8388608 origin
    perl -e '
        open(my $in, "<:raw", "origin") or die;
        open(my $out, ">:raw", "view") or die;
        for (my $at = 0; read($in, my $chunk, 4096); $at++) { $chunk = reverse($chunk) if $at & 1; print $out $chunk }'
    "$BUILDDIR/tools/snapcreate" -q --origin origin --cow cow --size max --from-diff view
    before
}

# The file has data at this offset: the write has come that far.
written() {
    [ -e "$1" ] && [ "$(hex "$1" "$2" 8)" != 0000000000000000 ]
}

refuses() {
    assert_status "$1"
    assert_said "$2"
    assert_said "Nothing was written."
    assert_equal "$output" ""
    assert_inputs
    assert [ ! -e new ]
    assert [ ! -e new.partial ]
}

# device SIZE: $loop over the file `disk`, which is full of something that is no signature.
device() {
    rm -f disk
    contents disk "$1" disk
    loop_over disk
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Recipes of dmsnap(7) that need devices which fail or LVM, line by line in the real kernel; cli/recipes.bats runs those
# on images, lvm_states.bats those about merges that are stuck.
#
# setup_file boots once. Each test judges one recipe.
# shellcheck disable=SC2030,SC2031,SC2154

load lib.bash
load lvm.bash
load ../cli/recipes.bash

# What each script begins with: each line of a recipe is shown with its exit status.
begin() {
    lvm_script
    echo "export PATH='$BUILDDIR/tools':\$PATH"
    cat <<'END'
sum() {
    dd if="$1" bs=64K iflag=direct status=none | sha256sum
}
typed() {
    local status=0
    "$@" </dev/null || status=$?
    echo "exit $status: $*"
}
END
}

# typed_recipe TITLE: its lines, for such a script.
typed_recipe() {
    recipe "$1" | sed 's/^/typed /'
}

# A snapshot of LVM that overflows by writes to the snapshot; its origin is only read.
overflow() {
    begin
    cat <<END
mkdir "$S/overflow.files" && cd "$S/overflow.files"
lvm pvcreate -q -f -y /dev/pv
lvm vgcreate -q -s 64K vg /dev/pv
lvm lvcreate -q -y -Zn -Wn -l 40 -n origin vg
dd if=/dev/urandom of=/dev/mapper/vg-origin bs=64K count=40 oflag=direct status=none
lvm lvcreate -q -y -s -c 4K -l 4 -n snap vg/origin
dd if=/dev/urandom of=new bs=4K count=62 status=none
dd if=new of=/dev/mapper/vg-snap bs=4K seek=30 oflag=direct status=none
echo SHOWN
sum /dev/mapper/vg-snap
! dd if=/dev/urandom of=/dev/mapper/vg-snap bs=4K count=8 seek=200 oflag=direct status=none || exit 1
dmsetup status vg-snap
vgchange() { lvm vgchange -q "\$@"; }
lvextend() { lvm lvextend -q "\$@"; }
echo RECIPE
$(typed_recipe 'An LVM snapshot that has overflowed is used again')
echo AFTERWARDS
sum /dev/mapper/vg-snap
sha256sum <saved.img
dd if=/dev/urandom of=/dev/mapper/vg-snap bs=64K count=40 oflag=direct status=none
dmsetup status vg-snap
echo END
lvm vgchange -q -an vg
END
}

# A store with a sector in its list that cannot be read.
sector() {
    begin
    cat <<END
mkdir "$S/sector.files" && cd "$S/sector.files"
mkfs.ext4 -q /dev/sdb 4M
dmsetup create origin --table "0 8192 linear /dev/sdb 0"
ln -s /dev/mapper/origin /dev/sdb1
dd if=/dev/sdb1 of=view bs=64K status=none
perl -e 'print pack("Q<", \$_) x 512 for 1 .. 300' >letter
debugfs -w -R 'write letter letter' view
snapcreate --quiet --origin /dev/sdb1 --cow /dev/sdc --from-diff view
# Slots 96 to 127 of the first area, which are of the letter.
dmsetup create cow --table "0 11 linear /dev/sdc 0
11 1 error
12 16372 linear /dev/sdc 12"
ln -s /dev/mapper/cow /dev/sdc1
! dmsetup create snap --table "0 8192 snapshot /dev/sdb1 /dev/sdc1 P 8" || exit 1
ddrescue() { dd if="\$1" of="\$2" bs=512 conv=noerror,sync iflag=direct status=none && : >"\$3"; }
echo SEEN
typed snapcheck --origin /dev/sdb1 /dev/sdc1
echo RECIPE
$(typed_recipe 'A bad sector in the list of a store')
echo END
END
}

# part FILE WORD: what stands behind the line of this word, up to the next one in capitals.
part() {
    awk -v word="$2" '$0 == word { inside = 1; next } /^[A-Z]+$/ { inside = 0 } inside' "$S/$1.out"
}

setup_file() {
    uml_setup_file || return 0
    ! lvm_missing && [[ " ${LACKS-} " != *' devmapper '* ]] || return 0
    [ "${SANITIZERS-}" != yes ] || return 0
    truncate -s 2G "$S/pv"
    truncate -s 8M "$S/sdb" "$S/sdc"
    lvm_exec overflow
    lvm_exec sector
    uml_boot "pv=$S/pv" "sdb=$S/sdb" "sdc=$S/sdc"
    cat "$S"/*.out >&2
    [ "$(uml_result 1) $(uml_result 2)" = 'ok exit 0 ok exit 0' ]
}

setup() {
    uml_setup
    lvm_need
    [ "${SANITIZERS-}" != yes ] || skip "AddressSanitizer cannot start in User Mode Linux"
    cat "$S"/*.out
}

# statuses FILE: the exit statuses of the lines of the recipe, and nothing else.
statuses() {
    part "$1" RECIPE | sed -n 's/^exit \([0-9]*\): .*/\1/p' | tr '\n' ' '
}

@test "a snapshot of LVM that has overflowed is valid again, shows what it showed, and takes all that is written" {
    assert_equal "$(statuses overflow)" "0 4 4 1 0 0 "
    part overflow RECIPE | grep -q 'it overflowed, no chunk is free'
    part overflow AFTERWARDS >afterwards
    assert_equal "$(sed -n 1p afterwards)" "$(part overflow SHOWN | head -n 1)"
    assert_equal "$(sed -n 2p afterwards)" "$(sed -n 1p afterwards)"
    [[ $(sed -n 3p afterwards) == "0 5120 snapshot "*/* ]]
}

@test "a bad sector in the list: its 32 entries are lost and named, and all behind it comes back" {
    assert_equal "$(part sector SEEN | grep -c 'area-unreadable')" 1
    assert_equal "$(statuses sector)" "0 4 4 1 0 0 "
    part sector RECIPE | grep -q 'between them 32 entries are lost'
    # The 32 chunks show the origin, all others the snapshot.
    cmp -l "$S/sector.files/view" "$S/sector.files/view.img" | awk '{ chunk[int(($1 - 1) / 4096)] = 1 }
        END { for (c in chunk) n++; exit n != 32 }'
}

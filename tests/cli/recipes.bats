#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The recipes of dmsnap(7) that work on images, line by line as a reader would type them; kernel/lvm_states.bats and
# kernel/lvm_merge.bats run those that need LVM.

setup() {
    load helpers
    load work
    load volumes
    load recipes
    in_folder
}

@test "looking into a snapshot of a group that must not be activated" {
    local line count=0
    ! lacks devmapper || skip "this build lacks libdevmapper"
    mke2fs -q -t ext4 -L data -E hash_seed=00000000-0000-4000-8000-000000000001 origin 4M 2>/dev/null
    cp origin view
    cp "$SRCDIR/README.md" letter
    debugfs -w -R 'write letter letter' view 2>/dev/null
    "$BUILDDIR/tools/snapcreate" --quiet --origin origin --cow cow --from-diff view --size 1M
    # The merge is pending: this is what must not begin.
    volumes_make origin cow cow_store merging_store
    mv pv0 disk1.img
    mv pv1 disk2.img
    sha256sum disk1.img disk2.img >before
    while read -r line; do
        count=$((count + 1))
        run --separate-stderr env PATH="$BUILDDIR/tools:$PATH" bash -c "$line" </dev/null
        echo "$line: $stderr"
        assert_status 0
        case $count in
        1) [[ $output == *"merge pending, valid"* ]] ;;
        2) [[ $output == *"lvm:vg/origin"* ]] ;;
        3) [[ $output == *"clean"* ]] ;;
        4) cmp view.img view ;;
        esac
    done < <(recipe 'Looking into a snapshot of a group that must not be activated')
    assert_equal "$count" 5
    sha256sum --quiet --check before
}

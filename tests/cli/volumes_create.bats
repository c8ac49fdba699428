#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# snapcreate with lvm:VG/LV: stores are made on volumes, and from them; LVM's metadata have a word in it.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load volumes
    ! lacks devmapper || skip "this build lacks libdevmapper"
    in_folder
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/unordered.recipe" cow origin view
    volumes_make origin cow
}

# shows FILE: what the snapshot in the group shows is this file.
shows() {
    rm -f shown
    program snapinspect --devices pv0,pv1 --extract shown --origin lvm:vg/origin lvm:vg/snap
    assert_status 0
    cmp shown "$1"
}

# outside: what of the physical volumes is no data of the store.
outside() {
    for pv in pv0 pv1; do
        dd if=$pv bs=4096 count=31 status=none
        dd if=$pv bs=4096 skip=$((31 + $(stat -c %s cow) / 8192)) status=none
    done | sha256sum
}

@test "the store of a snapshot is made anew with -f only, where LVM's metadata say, and nowhere else" {
    local before
    remember pv0 pv1
    before=$(outside)
    program snapcreate --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 8
    assert_said "lvm:vg/snap: it is an LVM snapshot; -f makes its store anew, and what it shows is lost"
    assert_untouched
    program snapcreate -n -f --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_untouched
    program snapcreate -f --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_said "lvm:vg/snap: made a store with chunks of 4 KiB and 0 entries"
    shows origin
    assert_equal "$(outside)" "$before"
    program snapcheck --json --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_json '.result.pair.outcome' proven
}

@test "a difference goes into a volume, and one with a volume into an image" {
    program snapcreate -f --devices pv0,pv1 --cow lvm:vg/snap --from-diff view
    assert_status 0
    shows view
    program snapcreate --devices pv0,pv1 --origin origin --from-diff lvm:vg/origin --cow image --size max
    assert_status 0
    assert_said "made a store with chunks of 4 KiB and 0 entries"
    program snapcreate --devices pv0,pv1 --origin lvm:vg/origin --from-diff view --cow image2 --size max
    assert_status 0
    program snapinspect --origin origin --extract out image2
    assert_status 0
    cmp out view
}

@test "a store in a volume is told its origin" {
    local before
    before=$(outside)
    program snapcreate -y --identify --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_said "lvm:vg/snap: it has a record and a fingerprint of lvm:vg/origin now"
    assert_equal "$(outside)" "$before"
    shows view
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
}

@test "an invalid snapshot that LVM is to merge: made anew, so that LVM finds nothing to merge" {
    printf '\0' | dd of=cow bs=1 seek=4 conv=notrunc status=none
    volumes_make origin cow cow_store merging_store
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 4
    assert_said "Nothing was written."
    assert_said "LVM can never finish the merge of this snapshot, since its store is invalid."
    assert_said "  lvremove vg/snap"
    assert_said "  snapcreate -f --devices pv0,pv1 --origin lvm:vg/origin --cow lvm:vg/snap"
    program snapcreate -f --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_said "lvm:vg/snap: LVM has a merge of this snapshot pending: the next activation finds nothing to merge, leaves the origin as it is, and removes the snapshot: vgchange -ay vg"
    shows origin
}

@test "what LVM's metadata, or the volume, do not allow is refused" {
    local arguments reason
    remember pv0 pv1
    while IFS='|' read -r arguments reason status; do
        # shellcheck disable=SC2086
        expected=$status
        # shellcheck disable=SC2086
        program snapcreate --devices pv0,pv1 $arguments
        assert_status "$expected"
        assert_said "$reason"
        assert_untouched
    done <<'END'
-f --chunk-size 8K --cow lvm:vg/snap|LVM's metadata say that this snapshot has chunks of 4096 bytes, not of 8192; leave --chunk-size out|8
-f --origin origin --cow lvm:vg/snap|LVM's metadata name lvm:vg/origin as its origin, not origin|8
-f --origin origin --cow lvm:vg/origin|it is an origin, and no snapshot; one of its snapshots is lvm:vg/snap|8
-f --origin lvm:vg/origin --cow lvm:vg/other|are of type "raid1"|8
-f --origin lvm:vg/origin --cow pv0|pv0|8
-f --cow lvm:vg/other|LVM's metadata name no origin of it: name it with --origin|8
-f --size 1M --cow lvm:vg/snap|--size makes a new image, and a volume has its size already|16
--cow image|the option --origin DEV is missing|16
END
}

#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# lvm:VG/LV: volumes of a group that is not active, read out of its physical volumes, here images; tests/kernel/lvm.bats
# has groups that LVM made.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

setup() {
    load helpers
    load work
    load volumes
    ! lacks devmapper || skip "this build lacks libdevmapper"
    in_folder
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/unordered.recipe" cow origin view
    volumes_make origin cow
    sha256sum pv0 pv1 >before
}

teardown() {
    sha256sum --quiet --check before
}

@test "figures, list and judgement are those of the same store and origin as plain images" {
    local arguments plain
    for arguments in --json --list '--list --json' ''; do
        # shellcheck disable=SC2086
        program snapinspect $arguments --origin origin cow
        assert_status 0
        plain=$output
        # shellcheck disable=SC2086
        program snapinspect $arguments --devices pv0,pv1 lvm:vg/snap
        assert_status 0
        assert_equal "$(sed 's,lvm:vg/snap,cow,; s,lvm:vg/origin,origin,' <<<"$output")" "$plain"
    done
    program snapcheck --data --origin origin cow
    plain=$output
    program snapcheck --data --devices pv0 --devices pv1 --cow lvm:vg/snap
    assert_equal "$(sed 's,lvm:vg/snap,cow,; s,lvm:vg/origin,origin,' <<<"$output")" "$plain"
}

@test "the origin follows from the metadata; it may be named, and must be the same" {
    program snapinspect --json --devices pv0,pv1 lvm:vg/snap
    assert_json .origin lvm:vg/origin
    program snapcheck --devices pv0,pv1 --origin lvm:vg/origin lvm:vg/snap
    assert_status 0
    program snapcheck --devices pv0,pv1 --origin lvm:vg/other lvm:vg/snap
    assert_status 8
    assert_said "snapcheck: lvm:vg/snap: LVM's metadata name lvm:vg/origin as its origin, not lvm:vg/other; leave --origin out"
    program snapcheck --devices pv0,pv1 --origin origin lvm:vg/snap
    assert_status 8
    assert_said "lvm:vg/origin as its origin, not origin"
}

@test "an image of a store, with its origin in a group" {
    program snapinspect --json --devices pv0,pv1 --origin lvm:vg/origin cow
    assert_status 0
    assert_json '.device + " " + .origin' "cow lvm:vg/origin"
    program snapcheck --devices pv0,pv1 --origin lvm:vg/snap cow
    assert_status 8
}

@test "what cannot be used is refused, with its reason" {
    local wrong
    program snapcheck --devices pv0,pv1 lvm:vg/origin
    assert_status 8
    assert_said "lvm:vg/origin: it is an origin, and no snapshot; one of its snapshots is lvm:vg/snap"
    program snapcheck --devices pv0,pv1 lvm:vg/other
    assert_said 'vg/other: its extents from 0 on are of type "raid1"'
    program snapcheck --devices pv0,pv1 lvm:vg/none
    assert_said 'lvm:vg/none: the LVM group "vg" has no volume of this name'
    program snapcheck --devices pv0,pv1 lvm:vh/snap
    assert_said 'vh: there is no LVM group of this name on these devices'
    for wrong in lvm: lvm:vg lvm:/snap lvm:vg/ lvm:vg/snap/x; do
        program snapcheck --devices pv0,pv1 "$wrong"
        assert_status 16
        assert_said "$wrong: an LVM volume is named lvm:GROUP/VOLUME"
    done
    program snapcheck --devices pv0 lvm:vg/snap
    assert_status 8
    assert_said 'vg/snap: its physical volume "pv1" (id PVPVPVaaaabbbbccccddddeeee000001, last seen as "/dev/sd1")'
    program snapcheck --devices pv0,pv1,origin lvm:vg/snap
    assert_status 0
    assert_said "snapcheck: warning: origin: no LVM label in its first 4 sectors"
}

@test "a path that only an active volume would have: the line that was meant" {
    local typed
    for typed in /dev/vg/snap vg/snap; do
        program snapcheck "$typed"
        assert_status 8
        assert_said "; an LVM volume that is not active is named lvm:vg/snap"
    done
    program snapinspect --origin /dev/vg/origin cow
    assert_said "is named lvm:vg/origin"
    program snapcheck /dev/disk/by-id/x
    assert_status 8
    [[ $stderr != *lvm:* ]]
}

@test "a group in other hands is refused" {
    local change
    for change in '"RESIZEABLE"|"EXPORTED"|is exported' 'seqno = 7|seqno = 7\nlock_type = "dlm"|is shared' \
        'seqno = 7|seqno = 7\nsystem_id = "far"|belongs to the system "far"' '"RESIZEABLE"|"PARTIAL"|(partial)'; do
        IFS='|' read -r old new reason <<<"$change"
        volumes_make origin cow "$old" "$(printf '%b' "$new")"
        sha256sum pv0 pv1 >before
        program snapinspect --devices pv0,pv1 lvm:vg/snap
        assert_status 8
        assert_said "$reason"
    done
}

@test "the same physical volume twice is refused; an old one is said, and the newest counts" {
    cp pv1 copy
    program snapcheck --devices pv0,pv1,copy lvm:vg/snap
    assert_status 8
    assert_said 'is there twice, as pv1 and as copy'
    volumes_make origin cow 'seqno = 7' 'seqno = 8'
    cp pv0 newer
    volumes_make origin cow
    program snapcheck --devices newer,pv1 lvm:vg/snap
    assert_status 0
    assert_said 'snapcheck: warning: pv1: its LVM metadata of "vg" have sequence number 7, those of newer have 8'
}

@test "programs that write take no such names, and leave all as it was" {
    for name in snapmerge snapcreate; do
        program "$name" --origin lvm:vg/origin --cow lvm:vg/snap
        assert_status 8
        assert_said ": an LVM volume that is not active can only be looked at, with snapinspect (without --extract)"
        assert_said "Nothing was written."
    done
    program snapmerge --origin origin --cow cow --preserve lvm:vg/snap
    assert_status 8
    program snapinspect --origin lvm:vg/origin --extract view2 lvm:vg/snap
    assert_status 8
    assert_said "(without --extract)"
    [ ! -e view2 ]
}

@test "--devices without a volume, and with half a list" {
    program snapinspect --devices pv0,pv1 cow
    assert_status 16
    assert_said "--devices needs an LVM volume to look for there, such as lvm:VG/LV"
    for wrong in pv0, ,pv0 pv0,,pv1; do
        program snapcheck --devices "$wrong" lvm:vg/snap
        assert_status 16
        assert_said "--devices $wrong: a name is missing beside a comma"
    done
    program snapcheck --devices pv0,gone lvm:vg/snap
    assert_status 8
    assert_said "gone: "
}

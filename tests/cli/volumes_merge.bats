#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Merges of lvm:VG/LV: each byte of the physical volumes afterwards is the one that a merge of plain images gives, and
# what is refused changes none; tests/kernel/lvm_merge.bats has groups that LVM made.
# shellcheck disable=SC2016,SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load volumes
    ! lacks devmapper || skip "this build lacks libdevmapper"
    in_folder
    make_recipe unordered
}

# make_recipe NAME [CHANGE...]: cow, origin and view, and in pv0 and pv1 the group.
make_recipe() {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/$1.recipe" cow origin view
    changes=("${@:2}")
    volumes_make origin cow "${changes[@]}"
}

# merged: the physical volumes are what they would be if the images were merged and put there.
merged() {
    mkdir expected
    "$BUILDDIR/tools/snapmerge" --origin origin --cow cow </dev/null 2>plain
    cmp origin view
    (cd expected && volumes_make ../origin ../cow "${changes[@]}")
    cmp pv0 expected/pv0
    cmp pv1 expected/pv1
}

# A second snapshot of the origin, lvm:vg/other, in extents 5 to 14 of pv0; its store is the file cow2.
second_snapshot() {
    changes=($'extent_count = 2\n\ntype = "raid1"\n'
        $'extent_count = 10\n\ntype = "striped"\nstripe_count = 1\nstripes = ["pv0", 5]\n'
        $'snapshot0 {\n' $'snapshot1 {\nid = "LVLVLV-aaaa-bbbb-cccc-dddd-eeee-snap01"\nstatus = ["READ", "WRITE"]
segment_count = 1\nsegment1 {\nstart_extent = 0\nextent_count = '"$(($(stat -c %s origin) / 4096))"$'
type = "snapshot"\nchunk_size = 8\norigin = "origin"\n'"${1-cow_store}"$' = "other"\n}\n}\nsnapshot0 {\n')
    volumes_make origin cow "${changes[@]}"
    dd if=cow2 of=pv0 bs=4096 seek=21 count=10 conv=notrunc status=none
}

@test "a merge by name leaves each byte as a merge of the images does, and no other" {
    program snapmerge --verify --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_said 'belong together: LVM'"'"'s metadata of the group "vg" name this origin'
    assert_said "snapmerge: lvm:vg/snap is an empty snapshot now; to remove it: lvremove vg/snap"
    merged
    program snapmerge --devices pv1 --devices pv0 --origin lvm:vg/origin --cow lvm:vg/snap
    assert_status 0
    assert_said "lvm:vg/snap: nothing to merge, the store is empty"
    assert_said "to remove it: lvremove vg/snap"
}

@test "a pending merge: LVM completes it" {
    make_recipe unordered cow_store merging_store
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_said "and LVM has a merge of it pending: the next activation completes that and removes the snapshot: vgchange -ay vg"
    merged
}

@test "a physical volume that went over to another group is not written to for the old one, nor for the new one" {
    local group line
    truncate -s "$(stat -c %s cow)" store
    volumes_stale origin cow
    remember pv0 pv1 cow origin
    for group in vg nw; do
        for line in "snapmerge -y --cow lvm:$group/snap" "snapmerge -n --cow lvm:$group/snap" \
            "snapmerge -y --origin origin --cow cow --output lvm:$group/origin" \
            "snapcreate -f --cow lvm:$group/snap" "snapcreate -f --origin lvm:$group/origin --cow store" \
            "snapcheck -y --save-old old --cow lvm:$group/snap"; do
            # shellcheck disable=SC2086
            program $line --devices pv0,pv1
            [ "$status" -ge 8 ] || { echo "$line: $status, $output"; return 1; }
            assert_said 'is claimed by two LVM groups: by "'
            assert_untouched
        done
    done
}

@test "a dry run, and options that go with a volume" {
    remember pv0 pv1
    program snapmerge -n --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_shown "to write    12 KiB (12288 bytes)"
    assert_untouched
    program snapmerge --keep-cow --checkpoint point --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    program snapmerge --skip-identical --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    merged
}

@test "a store in an image with its origin in a group, and the other way round" {
    cp cow cow_image
    program snapmerge --devices pv0,pv1 --origin lvm:vg/origin --cow cow_image --preserve lvm:vg/snap
    assert_status 0
    program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out lvm:vg/snap
    assert_status 0
    cmp out view
    program snapmerge --devices pv0,pv1 --origin origin --cow lvm:vg/snap
    assert_status 8
    assert_said "LVM's metadata name lvm:vg/origin as its origin, not origin"
    program snapmerge --devices pv0,pv1 --origin lvm:vg/origin --cow pv0
    assert_status 8
    assert_said "pv0"
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --preserve lvm:vg/snap
    assert_status 8
    assert_said "are the same volume"
}

@test "the other snapshot of the origin shows what it showed, without being named" {
    "$BUILDDIR/tools/snapcreate" --origin origin --cow cow2 --size 40K --chunk-size 4K 2>/dev/null
    second_snapshot
    cp origin old
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_said "snapmerge: lvm:vg/other: 3 chunks (12 KiB) of old content were copied to it"
    program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out lvm:vg/other
    assert_status 0
    cmp out old
    program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out2 lvm:vg/snap
    cmp out2 view
}

@test "the metadata prove the pair of another snapshot, too, and refuse one of another origin" {
    local arguments proof='lvm:vg/other and lvm:vg/origin belong together: LVM'"'"'s metadata of the group "vg" name this origin'
    cp origin view2
    printf 'changed' | dd of=view2 bs=4096 seek=3 conv=notrunc status=none
    "$BUILDDIR/tools/snapcreate" --no-identity --origin origin --cow cow2 --size 40K --chunk-size 4K --from-diff view2 \
        2>/dev/null
    for arguments in "" "--preserve lvm:vg/other"; do
        second_snapshot
        # shellcheck disable=SC2086
        program snapmerge --devices pv0,pv1 --cow lvm:vg/snap $arguments
        assert_status 0
        assert_said "$proof"
        assert_not_said "may or may not belong together"
        program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out lvm:vg/other
        cmp out view2
        rm out
    done
    # Nothing but its place in the metadata says that it is of another origin.
    second_snapshot
    changes[3]=${changes[3]/'origin = "origin"'/'origin = "third"'}
    changes[3]=${changes[3]/'snapshot1 {'/'third {
id = "LVLVLV-aaaa-bbbb-cccc-dddd-eeee-third0"
status = ["READ", "WRITE", "VISIBLE"]
segment_count = 1
segment1 {
start_extent = 0
extent_count = 1
type = "error"
}
}
snapshot1 {'}
    volumes_make origin cow "${changes[@]}"
    dd if=cow2 of=pv0 bs=4096 seek=21 count=10 conv=notrunc status=none
    remember pv0 pv1
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --preserve lvm:vg/other
    assert_status 8
    assert_said "lvm:vg/other: LVM's metadata name lvm:vg/third as its origin, not lvm:vg/origin"
    assert_untouched
}

@test "a physical volume that was cut is no damaged store: refused, whichever volume has lost a part of it" {
    local volume pv bytes count
    "$BUILDDIR/tools/snapcreate" --origin origin --cow cow2 --size 40K --chunk-size 4K 2>/dev/null
    count=$((15 + $(stat -c %s cow) / 8192 + $(stat -c %s origin) / 4096))
    for volume in snap origin other; do
        second_snapshot
        pv=pv0
        case $volume in
        snap) bytes=$((65536 + 15 * 4096 + 512)) ;;
        origin)
            pv=pv1
            bytes=$((65536 + (count - 5) * 4096 - 512))
            ;;
        other) # at the end of pv0
            changes[1]=${changes[1]/'"pv0", 5'/'"pv0", '$((count - 10))}
            volumes_make origin cow "${changes[@]}"
            bytes=$((65536 + count * 4096 - 512))
            ;;
        esac
        truncate -s "$bytes" "$pv"
        remember pv0 pv1
        program snapmerge --devices pv0,pv1 --cow lvm:vg/snap
        assert_status 8
        assert_said "vg/$volume: it has "
        assert_said "of $pv on, but that device has only $bytes bytes; if it was cut, make it as long again as it was, at least "
        assert_said "Nothing was written."
        program snapmerge --json --devices pv0,pv1 --origin lvm:vg/origin --cow lvm:vg/snap --preserve lvm:vg/other
        assert_status 8
        assert_json '"\(.exit_status) \(.error.status)"' "8 refused"
        program snapinspect --devices pv0,pv1 "lvm:vg/${volume/origin/snap}"
        assert_status 8
        program snapcheck --devices pv0,pv1 "lvm:vg/${volume/origin/snap}"
        assert_status 8
        assert_untouched
    done
    truncate -s $((65536 + count * 4096)) pv0
    dd if=cow2 of=pv0 bs=4096 seek=$((16 + count - 10)) count=10 conv=notrunc status=none
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
}

@test "where it cannot show that any more, the merge is refused, or that is accepted" {
    # Not a store.
    head -c 40K /dev/zero >cow2
    second_snapshot
    remember pv0 pv1
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 4
    assert_said "LVM knows lvm:vg/other as another snapshot of this origin, and what it shows could not be kept: to let it change, add --accept=siblings"
    assert_said "Nothing was written."
    assert_untouched
    # Overflowed.
    rm cow2
    "$BUILDDIR/tools/snapcreate" --origin origin --cow cow2 --size 40K --chunk-size 4K 2>/dev/null
    printf '\0' | dd of=cow2 bs=1 seek=4 conv=notrunc status=none
    second_snapshot
    program snapmerge -n --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_said "lvm:vg/other: this other snapshot is invalid (it has overflowed, or was given up): nothing has to be kept of it"
    # Given up with a word.
    head -c 40K /dev/zero >cow2
    second_snapshot
    program snapmerge --accept=siblings --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 0
    assert_said "warning: lvm:vg/other: this other snapshot will show what the origin has after this merge"
    program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out lvm:vg/snap
    cmp out view
}

@test "a pending merge of the other snapshot comes first" {
    "$BUILDDIR/tools/snapcreate" --origin origin --cow cow2 --size 40K --chunk-size 4K 2>/dev/null
    second_snapshot merging_store
    remember pv0 pv1
    for accept in '' --accept=siblings; do
        # shellcheck disable=SC2086
        program snapmerge $accept --devices pv0,pv1 --cow lvm:vg/snap
        assert_status 8
        assert_said "lvm:vg/origin: LVM is about to merge another snapshot into it, lvm:vg/other: the next activation goes on with that; merge that one first: snapmerge --devices pv0,pv1 --cow lvm:vg/other"
        assert_untouched
    done
}

@test "what cannot be written to is refused, with its reason, and nothing is written" {
    local change
    while IFS='|' read -r old new reason; do
        make_recipe unordered "$(printf '%b' "$old")" "$(printf '%b' "$new")"
        remember pv0 pv1
        program snapmerge --devices pv0,pv1 --cow lvm:vg/snap
        assert_status 8
        assert_said "$reason"
        assert_said "Nothing was written."
        assert_untouched
    done <<'END'
"RESIZEABLE"|"EXPORTED"|is exported
seqno = 7|seqno = 7\nlock_type = "sanlock"|is shared
seqno = 7|seqno = 7\nlock_type = "dlm"|is shared
seqno = 7|seqno = 7\nlock_type = "idm"|is shared
seqno = 7|seqno = 7\nsystem_id = "far"|belongs to the system "far"
"RESIZEABLE"|"PARTIAL"|(partial)
"READ", "WRITE", "VISIBLE"|"READ", "VISIBLE"|vg/origin: LVM has it read-only: make it writable first (lvchange -prw vg/origin)
"READ", "WRITE", "VISIBLE"|"READ", "WRITE"|vg/origin: it is a hidden part of another volume
type = "raid1"\n|type = "raid1"\nraids = ["meta", "origin"]\n|vg/origin: the volume "other" stands on it (type "raid1")
type = "raid1"\n|type = "thin"\nexternal_origin = "origin"\n|vg/origin: the volume "other" stands on it (type "thin")
type = "raid1"\n|type = "cache"\norigin = "snap"\n|vg/snap: the volume "other" stands on it (type "cache")
"READ", "WRITE", "VISIBLE"|"READ", "WRITE", "VISIBLE", "LOCKED"|(pvmove)
type = "striped"|type = "mirror"|vg/origin: its extents from 0 on are of type "mirror"
type = "striped"\nstripe_count = 2|type = "mirror"\nstripe_count = 2|vg/snap: its extents from 0 on are of type "mirror"
type = "striped"|type = "writecache"|are of type "writecache"
type = "striped"|type = "integrity"|are of type "integrity"
type = "striped"|type = "vdo"|are of type "vdo"
END
    make_recipe unordered
    remember pv0 pv1
    program snapmerge --devices pv1 --cow lvm:vg/snap
    assert_status 8
    assert_said 'its physical volume "pv0"'
    assert_untouched
    cp pv0 copy
    program snapmerge --devices pv0,pv1,copy --cow lvm:vg/snap
    assert_status 8
    assert_said "is there twice, as pv0 and as copy"
    rm copy
    program snapmerge --devices pv0,pv1 --origin lvm:vg/other --cow lvm:vg/snap
    assert_status 8
    program snapmerge --devices pv0,pv1 --cow lvm:vg/origin
    assert_said "it is an origin, and no snapshot; one of its snapshots is lvm:vg/snap"
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --undo pv1
    assert_status 8
    program snapmerge --cow lvm:vg
    assert_status 16
    assert_untouched
}

# Commands in messages end with the line, or with a semicolon or a bracket.
@test "each command that is printed and names a volume says where its physical volumes are" {
    local recipe line count=0
    for recipe in new-on-area-0 duplicate-new invalid cut cut-overwritten full; do
        make_recipe $recipe
        for arguments in "" "--output out" "--output out --accept=cut" "--keep-cow"; do
            # shellcheck disable=SC2086
            program snapmerge -n $arguments --devices pv0 --devices pv1 --cow lvm:vg/snap
            while read -r line; do
                count=$((count + 1))
                [[ $line == *" --devices pv0 --devices pv1 "* ]] || { echo "$recipe: $line"; return 1; }
            done < <(grep -oE '(snapmerge|snapinspect|snapcheck|snapcreate) -[^;()]* lvm:[^;()]*|snapinspect lvm:.*' \
                <<<"$stderr")
        done
    done
    [ $count -ge 8 ]
}

@test "an image that somebody else has is refused" {
    exec 7<>pv1
    flock_record 7
    remember pv0 pv1
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap
    assert_status 8
    assert_said "pv1: in use: another program holds a lock on it"
    exec 7>&-
    assert_untouched
    flock_end
}

# flock_record FD: a process that has a record lock on the file of this descriptor; flock_end ends it.
flock_record() {
    perl -e '
        use Fcntl;
        open(my $file, "+<&=", $ARGV[0]) or die;
        my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0);
        fcntl($file, F_SETLK, $lock) or die "$!";
        print "ready\n";
        close(STDOUT);
        sleep 1000' "$1" >ready 2>lock_said 3>&- &
    locker=$!
    for _ in {1..600}; do
        [ ! -s ready ] || break
        sleep 0.05
    done
    [ -s ready ] || { cat lock_said; return 1; }
}

flock_end() {
    kill "$locker"
    wait "$locker" || true
}

teardown() {
    loops_detach
}

@test "block devices: held under LVM's lock of the group, which is given back" {
    local group=dmsnap-test-$$ locked
    need_loops
    locked=/run/lock/lvm/V_$group
    volumes_make origin cow $'vg {\n' "$group {"$'\n'
    loop_over pv0
    loop_over pv1
    program snapmerge --devices pv0,pv1 --cow "lvm:$group/snap"
    assert_status 8
    assert_said "pv0: the image backs ${loops[0]}; use that device, or detach it"
    mkdir -p /run/lock/lvm
    exec 7>"$locked"
    flock -s 7
    program snapmerge --devices "${loops[0]},${loops[1]}" --cow "lvm:$group/snap"
    assert_status 8
    assert_said "$group: another command has LVM's lock of this group, $locked (locked by process "
    exec 7>&-
    program snapmerge --devices "${loops[0]}" --devices "${loops[1]}" --cow "lvm:$group/snap"
    assert_status 0
    [ ! -e "$locked" ]
    loops_detach
    changes=($'vg {\n' "$group {"$'\n')
    merged
}

@test "a stopped merge says the line to go on with, and it works" {
    local line pid status=0
    skip_without_json --progress-json
    make_image view $((4 << 20))
    head -c 4M /dev/zero >origin
    rm cow
    "$BUILDDIR/tools/snapcreate" --origin origin --cow cow --size max --chunk-size 4K --from-diff view 2>/dev/null
    truncate -s %8K cow
    volumes_make origin cow
    # Some minutes at this rate.
    # shellcheck disable=SC2086
    env --default-signal=INT $WRAPPER "$BUILDDIR/tools/snapmerge" --rate-limit 4K --memory 16M \
        --devices pv0 --devices pv1 --cow lvm:vg/snap --progress-frequency 1 --progress-json </dev/null >said.out 2>said 3>&- &
    pid=$!
    for _ in {1..600}; do
        ! grep -q '{' said || break
        sleep 0.05
    done
    kill -INT "$pid"
    wait "$pid" || status=$?
    [ "$status" -eq 32 ]
    line=$(sed -n 's/.*To go on: //p' said)
    [[ $line == "snapmerge --devices pv0 --devices pv1 --origin lvm:vg/origin --cow lvm:vg/snap"* ]]
    line=${line/ --rate-limit 4K/}
    PATH=$BUILDDIR/tools:$PATH bash -c "$line"
    merged
}

@test "an undo store takes it back, with the lines that are printed" {
    local line
    cp pv0 before0
    cp pv1 before1
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --undo undo
    assert_status 0
    line=$(sed -n 's/.*To take it back: //p' <<<"$stderr")
    [[ $line == "snapmerge --devices pv0,pv1 --origin lvm:vg/origin --cow undo --preserve lvm:vg/snap"* ]]
    PATH=$BUILDDIR/tools:$PATH bash -c "$line"
    program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out lvm:vg/snap
    assert_status 0
    cmp out view
    cmp <(dd if=pv0 bs=4096 skip=16 count=5 status=none) <(dd if=before0 bs=4096 skip=16 count=5 status=none)
    cmp <(dd if=pv1 bs=4096 skip=51 status=none) <(dd if=before1 bs=4096 skip=51 status=none)
}

# blank_volume: lvm:vg/other, in extents 5 to 14 of pv0, is a volume with zeros.
blank_volume() {
    changes=($'extent_count = 2\n\ntype = "raid1"\n'
        $'extent_count = 10\n\ntype = "striped"\nstripe_count = 1\nstripes = ["pv0", 5]\n')
    volumes_make origin cow "${changes[@]}"
    dd if=/dev/zero of=pv0 bs=4096 seek=21 count=10 conv=notrunc status=none
}

# origin_of_volumes: what lvm:vg/origin holds.
origin_of_volumes() {
    dd if=pv0 bs=4096 skip=16 count=5 status=none
    dd if=pv1 bs=4096 skip=51 count=$(($(stat -c %s origin) / 4096 - 5)) status=none
}

# everywhere_else: the places of both images that neither the origin nor the snapshot nor lvm:vg/other has.
everywhere_else() {
    dd if=pv0 bs=4096 count=16 status=none
    dd if=pv1 bs=4096 count=31 status=none
}

@test "an undo store on a volume of the group takes it back, with the line that is printed" {
    local line
    blank_volume
    origin_of_volumes >before
    everywhere_else >else
    remember pv0 pv1
    program snapmerge -n --devices pv0,pv1 --cow lvm:vg/snap --undo lvm:vg/other
    assert_status 0
    assert_shown "undo        lvm:vg/other: a store would be made on it"
    assert_untouched
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --undo lvm:vg/other
    assert_status 0
    assert_said "lvm:vg/other: made an undo store of 40 KiB for what is replaced"
    line=$(sed -n 's/.*To take it back: //p' <<<"$stderr")
    origin_of_volumes | cmp - view
    everywhere_else | cmp - else
    program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out lvm:vg/other
    assert_status 0
    cmp out before
    [ "$line" = "snapmerge --devices pv0,pv1 --origin lvm:vg/origin --cow lvm:vg/other --preserve lvm:vg/snap" ]
    PATH=$BUILDDIR/tools:$PATH bash -c "$line"
    origin_of_volumes | cmp - before
    everywhere_else | cmp - else
    rm out
    program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out lvm:vg/snap
    assert_status 0
    cmp out view
}

@test "an undo store on a volume, of a merge of images" {
    blank_volume
    cp origin before
    program snapmerge --devices pv0,pv1 --origin origin --cow cow --undo lvm:vg/other
    assert_status 0
    cmp origin view
    program snapmerge --devices pv0,pv1 --origin origin --cow lvm:vg/other --preserve cow
    assert_status 0
    cmp origin before
    # It is not taken for another merge.
    remember pv0 pv1
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --undo lvm:vg/other
    assert_status 8
    assert_said "lvm:vg/other: it is the undo store of another merge"
    assert_untouched
}

@test "a volume that is too small for an undo store" {
    head -c 64K /dev/urandom >view
    head -c 64K /dev/zero >origin
    rm cow
    "$BUILDDIR/tools/snapcreate" --origin origin --cow cow --size max --chunk-size 4K --from-diff view 2>/dev/null
    truncate -s %8K cow
    blank_volume
    remember pv0 pv1
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --undo lvm:vg/other
    assert_status 8
    assert_said "lvm:vg/other: it has room for 8 chunks, but this merge may replace 16; name a larger device or a new file"
    assert_said "Nothing was written."
    assert_untouched
}

@test "no undo store on a volume that is the origin, the COW, a sibling, read-only, hidden or not blank" {
    local place
    "$BUILDDIR/tools/snapcreate" --origin origin --cow cow2 --size 40K --chunk-size 4K 2>/dev/null
    second_snapshot
    remember pv0 pv1
    for place in 'origin|it is the origin of a snapshot, which would show something else then; name another volume' \
        'snap|it is a snapshot, which would show something else then; name another volume' \
        'other|it is a snapshot, which would show something else then; name another volume' \
        'none|the LVM group "vg" has no volume of this name'; do
        program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --undo "lvm:vg/${place%%|*}"
        [ "$status" -eq 8 ]
        assert_said "lvm:vg/${place%%|*}: ${place#*|}"
        assert_said "Nothing was written."
        assert_untouched
    done
    # A volume without a snapshot is no origin for LVM, but it is the one of this merge.
    blank_volume
    head -c 40K /dev/zero >small
    head -c 40K view >small_view
    rm cow2
    "$BUILDDIR/tools/snapcreate" --origin small --cow cow2 --size max --chunk-size 4K --from-diff small_view 2>/dev/null
    remember pv0 pv1
    program snapmerge --devices pv0,pv1 --origin lvm:vg/other --cow cow2 --undo lvm:vg/other
    assert_status 8
    assert_said "are the same volume"
    assert_untouched
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --undo pv0
    assert_status 8
    assert_untouched
    for place in '"READ", "VISIBLE"|vg/other: LVM has it read-only: make it writable first' \
        '"READ", "WRITE"|vg/other: it is a hidden part of another volume'; do
        blank_volume
        volumes_make origin cow "${changes[@]}" $'-other0"\nstatus = ["READ", "WRITE", "VISIBLE"]' \
            $'-other0"\nstatus = ['"${place%%|*}]"
        remember pv0 pv1
        program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --undo lvm:vg/other
        assert_status 8
        assert_said "${place#*|}"
        assert_untouched
    done
    blank_volume
    printf 'something' | dd of=pv0 bs=4096 seek=21 conv=notrunc status=none
    remember pv0 pv1
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --undo lvm:vg/other
    assert_status 8
    assert_said "lvm:vg/other: it holds "
    assert_said "; an undo store is only made on a blank device, or in a new file"
    assert_untouched
}

@test "--output writes to a volume that is no snapshot and has none" {
    # The volume has fewer extents than the origin in the group: another pair, of images.
    make_image small 32768
    "$BUILDDIR/tools/snapcreate" --origin small --cow cow2 --size max --chunk-size 4K 2>/dev/null
    changes=($'extent_count = 2\n\ntype = "raid1"\n'
        $'extent_count = 10\n\ntype = "striped"\nstripe_count = 1\nstripes = ["pv0", 5]\n')
    volumes_make origin cow "${changes[@]}"
    cp pv0 expected0
    cp pv1 expected1
    dd if=small of=expected0 bs=4096 seek=21 conv=notrunc status=none
    remember pv0 pv1
    program snapmerge -n --devices pv0,pv1 --origin small --cow cow2 --output lvm:vg/other
    assert_status 0
    assert_untouched
    program snapmerge --devices pv0,pv1 --origin small --cow cow2 --output lvm:vg/other
    assert_status 0
    cmp pv0 expected0
    cmp pv1 expected1
    for place in snap origin; do
        remember pv0 pv1
        program snapmerge --devices pv0,pv1 --origin small --cow cow2 --output lvm:vg/$place
        assert_status 8
        assert_said ", which would show something else then; name another volume"
        assert_untouched
    done
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --output lvm:vg/other
    assert_status 8
    assert_said "vg/other: has 40960 bytes, but the snapshot has 2097152"
    assert_untouched
}

@test "--output reads volumes, and the origin follows" {
    remember pv0 pv1
    program snapmerge --devices pv0,pv1 --cow lvm:vg/snap --output out
    assert_status 0
    cmp out view
    rm out
    assert_untouched
}

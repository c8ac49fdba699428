#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# lvm:VG/LV: volumes of a group that is not active, read out of its physical volumes, here images; tests/kernel/lvm.bats
# has groups that LVM made.
# shellcheck disable=SC2016,SC2030,SC2031,SC2154

setup() {
    load helpers
    load work
    load system_calls
    load volumes
    ! lacks devmapper || skip "this build lacks libdevmapper"
    in_folder
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/unordered.recipe" cow origin view
    volumes_make origin cow
    sha256sum pv0 pv1 >before
}

teardown() {
    [ ! -e before ] || sha256sum --quiet --check before
}

# plain: what was printed, with the names of the images, and without the judgement of the pair.
plain() {
    sed 's,lvm:vg/snap,cow,; s,lvm:vg/origin,origin,; /^pair /d; / belong together/d; /"fits":/d; /"pair": {/,/}/d' \
        <<<"$output"
}

@test "figures and list are those of the same store and origin as plain images" {
    local arguments expected
    for arguments in --json --list '--list --json' ''; do
        # shellcheck disable=SC2086
        program snapinspect $arguments --origin origin cow
        assert_status 0
        expected=$(plain)
        # shellcheck disable=SC2086
        program snapinspect $arguments --devices pv0,pv1 lvm:vg/snap
        assert_status 0
        assert_equal "$(plain)" "$expected"
    done
    program snapcheck --data --origin origin cow
    expected=$(plain)
    program snapcheck --data --devices pv0 --devices pv1 --cow lvm:vg/snap
    assert_equal "$(plain)" "$expected"
}

@test "the metadata prove the pair, unless something contradicts it" {
    program snapinspect --devices pv0,pv1 lvm:vg/snap
    assert_shown 'pair        proven: LVM'"'"'s metadata of the group "vg" name this origin'
    program snapcheck --json --devices pv0,pv1 lvm:vg/snap
    assert_json '.result.pair | .outcome + " " + .reason' "proven metadata"
    program snapcheck --json --devices pv0,pv1 --origin lvm:vg/origin cow
    assert_json .result.pair.outcome unknown
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/old-beyond-origin.recipe" cow origin view
    volumes_make origin cow
    sha256sum pv0 pv1 >before
    program snapcheck --json --devices pv0,pv1 lvm:vg/snap
    assert_json '.result.pair | .outcome + " " + .reason' "contradicted reach"
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
    assert_said 'vg/snap: its physical volume "pv1" (id PVPVPV-aaaa-bbbb-cccc-dddd-eeee-000001, last seen as "/dev/sd1")'
    program snapcheck --devices pv0,pv1,origin lvm:vg/snap
    assert_status 0
    assert_said "snapcheck: warning: origin: no LVM label in its first 4 sectors"
}

# assert_volume_meant ARGUMENT...: what was not found is named as a volume, and the last line is this one.
assert_volume_meant() {
    assert_status 8
    assert_said "; an LVM volume that is not active is named lvm:vg/"
    assert_said "If this is a volume of an LVM group that is not active, this was meant:"
    assert_equal "${stderr##*$'\n'}" "  $*"
}

@test "a path that only an active volume would have: the line that was meant" {
    local typed
    for typed in /dev/vg/snap /dev/mapper/vg-snap /dev/mapper/vg-snap-cow vg/snap; do
        program snapcheck --devices pv0,pv1 "$typed"
        assert_status 16 # the option is only about lvm:VG/LV
        assert_said "--devices needs an LVM volume to look for there, such as lvm:vg/snap"
        program snapcheck "$typed"
        assert_volume_meant snapcheck lvm:vg/snap
        program snapinspect --origin "$typed" --bytes --cow /dev/vg/my-snap
        assert_volume_meant snapinspect --origin lvm:vg/snap --bytes --cow lvm:vg/my-snap
        program snapmerge --origin origin --cow "$typed" -n
        assert_volume_meant snapmerge --origin origin --cow lvm:vg/snap --dry-run
        program snapmerge --origin origin --cow cow --preserve /dev/mapper/vg-a--b --preserve "$typed"
        assert_volume_meant snapmerge --origin origin --cow cow --preserve lvm:vg/a-b --preserve lvm:vg/snap
        program snapcreate --origin origin --cow "$typed"
        assert_volume_meant snapcreate --origin origin --cow lvm:vg/snap
    done
    program snapinspect --json --origin /dev/mapper/vg-origin-real cow
    assert_volume_meant snapinspect --json --origin lvm:vg/origin cow
    assert_json '.error | .status + " " + (.message | sub(".*; "; ""))' \
        "not-found an LVM volume that is not active is named lvm:vg/origin"
    # A place in a folder that is there, and what can be no volume.
    mkdir images
    for typed in images/snap /dev/disk/by-id/x /dev/shm/x /dev/sdzz9 /dev/mapper/luks "vg/a snap" vg/snap/x; do
        program snapcheck "$typed"
        assert_status 8
        assert_not_said lvm:
    done
    program snapcreate --origin origin --cow vg/new --size max
    assert_status 8
    assert_not_said "this was meant"
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

@test "a physical volume that went over to another group is not read for the old one" {
    local claimed='the physical volume "pv0" (pv0) is claimed by two LVM groups: by "nw" (id NWNWNW-aaaa-bbbb-cccc-dddd-eeee-000000) in its own metadata, which are most likely right, and by "vg" (id VGVGVG-aaaa-bbbb-cccc-dddd-eeee-000000) in the metadata on pv1, which are most likely out of date: leave pv1 out'
    volumes_stale origin cow
    sha256sum pv0 pv1 >before
    for line in 'snapinspect' 'snapinspect --list' 'snapinspect --extract shown' 'snapcheck' 'snapcheck --data'; do
        # shellcheck disable=SC2086
        program $line --devices pv0,pv1 --cow lvm:vg/snap
        assert_status 8
        assert_said "warning: pv0: $claimed"
        assert_said ": vg/snap: $claimed"
    done
    [ ! -e shown ]
    program snapinspect --lvm --json --devices pv0,pv1
    assert_status 0
    assert_json '[.result.groups[] | .name + " " + .state] | sort | join(",")' "nw contradicted,vg contradicted"
}

# tree: what --lvm printed, without the blanks at the ends of lines.
tree() {
    sed 's/ *$//' <<<"$output"
}

# used: how full cow is in per cent, from the figures of the image.
used() {
    "$BUILDDIR/tools/snapinspect" --json cow 2>/dev/null | jq -r '.result.usage |
        "\(.allocated_sectors) \(.total_sectors)"' | awk '{ printf "%.2f", int(1e8 * $1 / $2) / 1e6 }'
}

@test "--lvm: groups as a tree, with the state of each store" {
    local size
    size="$(($(stat -c %s cow) / 1024)) KiB"
    program snapinspect --lvm --devices pv0,pv1
    assert_status 0
    assert_equal "$(tree | tr -s ' ')" "NAME TYPE SIZE CHUNK USED STATE
vg group 4.3 MiB
 origin linear 2 MiB
 snap snapshot $size 4 KiB $(used) valid
 other raid1 8 KiB"
    program snapinspect --lvm --devices pv0 --bytes vg
    assert_status 0
    assert_equal "$(tree | tr -s ' ' | sed -n '2p; 4p')" "vg group 4481024 incomplete
 snap snapshot $(stat -c %s cow) 4096 unreadable"
    assert_said 'snapinspect: warning: vg/snap: its physical volume "pv1"'
}

@test "--lvm --json: ids, devices, snapshots with the figures of their stores" {
    program snapinspect --json cow
    usage=$(jq -c '.result | [.entries, .usage]' <<<"$output")
    program snapinspect --lvm --json --devices pv0,pv1
    assert_status 0
    assert_json '.result.groups | length' 1
    assert_json '.result.groups[0] | [.name, .id, .seqno, .extent_bytes, .state] | map(tostring) | join(" ")' \
        "vg VGVGVG-aaaa-bbbb-cccc-dddd-eeee-000000 7 4096 null"
    assert_json '.result.groups[0].physical_volumes | map(.device + " " + (.missing | tostring)) | join(" ")' \
        "pv0 false pv1 false"
    assert_json '.result.groups[0].volumes | map(.name + " " + .type) | join(" ")' "origin linear other raid1"
    assert_json '.result.groups[0].volumes[0].snapshots[0] | [.name, .chunk_sectors, .merging, .merge, .state,
        .used_percent] | map(tostring) | join(" ")' "snap 8 false null valid $(used)"
    assert_equal "$(jq -c '.result.groups[0].volumes[0].snapshots[0] | [.entries, .usage]' <<<"$output")" "$usage"
}

@test "--lvm shows overflowed, merging, empty and damaged stores as such" {
    local line
    while read -r recipe store state; do
        "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/${recipe#invalid-}.recipe" cow origin view
        [[ $recipe != invalid-* ]] || printf '\0' | dd of=cow bs=1 seek=4 conv=notrunc status=none
        volumes_make origin cow cow_store "$store"
        sha256sum pv0 pv1 >before
        program snapinspect --lvm --devices pv0,pv1
        assert_status 0
        line=$(tree | grep ' snap ')
        [[ $line == *"${state//_/ }" ]] || { echo "$recipe: $line"; return 1; }
    done <<'END'
empty cow_store empty
full cow_store full
invalid cow_store invalid
invalid-full cow_store overflowed
duplicate-new cow_store valid
list-past-end cow_store damaged
magic-0 cow_store no_store
unordered merging_store merge_pending,_valid
empty merging_store merge_done,_empty
invalid-full merging_store merge_stuck,_overflowed
invalid merging_store merge_stuck,_invalid
magic-0 merging_store merge_pending,_no_store
END
}

@test "--lvm -o: columns by name, as lsblk has them; raw, in bytes, without headings" {
    local wrong
    program snapinspect --lvm --devices pv0,pv1 --raw --noheadings --bytes \
        -o name,GROUP,origin,size,chunk,used,state,merge,entries,free,devices,uuid,type
    assert_status 0
    assert_equal "$output" "vg vg  4481024       pv0,pv1 VGVGVG-aaaa-bbbb-cccc-dddd-eeee-000000 group
origin vg  2097152       pv0,pv1 LVLVLV-aaaa-bbbb-cccc-dddd-eeee-origin linear
snap vg origin $(stat -c %s cow) 4096 $(used) valid  $("$BUILDDIR/tools/snapinspect" --json cow 2>/dev/null |
        jq -r '.result | "\(.entries) \(.free_chunks)"') pv0,pv1 LVLVLV-aaaa-bbbb-cccc-dddd-eeee-snap00 snapshot
other vg  8192        LVLVLV-aaaa-bbbb-cccc-dddd-eeee-other0 raid1"
    volumes_make origin cow cow_store merging_store
    sha256sum pv0 pv1 >before
    program snapinspect --lvm --devices pv0 --raw -o STATE,MERGE,DEVICES vg
    assert_equal "$(sed -n '2p; 4p' <<<"$output")" "incomplete  pv0,?
merge-pending,unreadable pending pv0,?"
    program snapinspect --lvm --devices pv0,pv1 --output name
    assert_status 16
    program snapinspect --lvm --devices pv0,pv1 --columns NAME,size
    assert_equal "$(tree | tr -s ' ' | sed -n '1p; 4p')" "NAME SIZE
 snap $(($(stat -c %s cow) / 1024)) KiB"
    for wrong in rows NAME, NAME,NAME; do
        program snapinspect --lvm --devices pv0,pv1 -o "$wrong"
        assert_status 16
        assert_equal "$output" ""
    done
    program snapinspect --lvm --devices pv0,pv1 -o rows
    assert_said "unknown column 'rows'; the columns are: NAME TYPE SIZE CHUNK USED STATE GROUP ORIGIN MERGE ENTRIES FREE UUID DEVICES"
    for wrong in -oNAME --raw --noheadings; do
        program snapinspect --lvm --json --devices pv0,pv1 "$wrong"
        assert_status 16
        assert_said "cannot be used with --lvm and --json: that has all there is"
    done
}

@test "--lvm: how full a store is, as lvs shows it" {
    local part
    for part in 'empty 0.00' 'full 100.00' 'invalid 100.00'; do
        "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/${part% *}.recipe" cow origin view
        volumes_make origin cow
        sha256sum pv0 pv1 >before
        program snapinspect --lvm --devices pv0,pv1 --raw --noheadings -o USED
        assert_equal "$(sed -n 3p <<<"$output")" "${part#* }"
    done
    # One entry is almost nothing: that is not 0.
    sed 's/^chunk_sectors 8/chunk_sectors 1/' "$SRCDIR/tests/images/one-entry.recipe" >recipe
    "$BUILDDIR/tests/images/mkstore" recipe cow origin view
    truncate -s 48M cow
    volumes_make origin cow
    sha256sum pv0 pv1 >before
    program snapinspect --lvm --devices pv0,pv1 --raw --noheadings -o USED
    assert_equal "$(sed -n 3p <<<"$output")" 0.01
}

# assert_ways_out: the lines that end a merge that is stuck.
assert_ways_out() {
    assert_said "lvm:vg/snap: LVM can never finish the merge of this snapshot, since its store is invalid."
    assert_said "deactivate the group first, if it is active (vgchange -an vg)"
    assert_said $'\n  lvremove vg/snap\n'
    assert_said $'\n  snapcreate -f --devices pv0,pv1 --origin lvm:vg/origin --cow lvm:vg/snap'
}

@test "a pending merge of an invalid snapshot: it is said that it never ends, and what ends it" {
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/invalid.recipe" cow origin view
    volumes_make origin cow
    sha256sum pv0 pv1 >before
    program snapcheck --devices pv0,pv1 lvm:vg/snap
    assert_status 4
    assert_not_said "LVM can never"
    volumes_make origin cow cow_store merging_store
    sha256sum pv0 pv1 >before
    program snapcheck --devices pv0,pv1 lvm:vg/snap
    assert_status 4
    assert_ways_out
    assert_shown "lvm:vg/snap: LVM: the snapshot is to be merged when its group is activated, and since its store is invalid that never ends"
    program snapinspect --devices pv0,pv1 lvm:vg/snap
    assert_status 4
    assert_ways_out
    assert_shown "LVM         the snapshot is to be merged when its group is activated, and since its store is invalid that"
    program snapinspect --lvm --devices pv0,pv1
    assert_status 0
    assert_ways_out
    for name in snapinspect snapcheck; do
        program "$name" --json --devices pv0,pv1 lvm:vg/snap
        assert_json .result.lvm_merge stuck
    done
}

@test "a merge that is pending or done is said of the one snapshot as well" {
    local store word
    for store in 'one-entry pending' 'empty done'; do
        word=${store#* }
        "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/${store% *}.recipe" cow origin view
        volumes_make origin cow cow_store merging_store
        sha256sum pv0 pv1 >before
        program snapinspect --devices pv0,pv1 --json lvm:vg/snap
        assert_json .result.lvm_merge "$word"
        program snapcheck --devices pv0,pv1 --json lvm:vg/snap
        assert_json .result.lvm_merge "$word"
        program snapinspect --devices pv0,pv1 lvm:vg/snap
        assert_shown "LVM         the snapshot is "
        assert_not_said lvremove
    done
    volumes_make origin cow
    sha256sum pv0 pv1 >before
    program snapinspect --devices pv0,pv1 --json lvm:vg/snap
    assert_json .result.lvm_merge null
}

@test "a store whose volume was shrunk under its entries: how far to extend it, and where its data were" {
    local text
    sed 's/^chunk_sectors 8/chunk_sectors 1/; s/^cow_chunks .*/cow_chunks 160/; s/^entry .*/entries 0 60 old=7+3*i/' \
        "$SRCDIR/tests/images/one-entry.recipe" >recipe
    "$BUILDDIR/tests/images/mkstore" recipe cow origin view
    truncate -s 24576 cow
    volumes_make origin cow
    sha256sum pv0 pv1 >before
    # The last of 60 entries has its data in chunk 62.
    text="the list needs 32256 bytes, but the device has 24576, so it was cut"
    program snapcheck --devices pv0,pv1 lvm:vg/snap
    assert_status 8
    assert_shown "lvm:vg/snap: $text"
    assert_shown "make the volume as large again: lvextend -L 32768b vg/snap; that may give it other extents than it had"
    assert_shown "(/etc/lvm/archive, vgcfgrestore --list vg)"
    [[ $output != *truncate* ]]
    program snapinspect --devices pv0,pv1 lvm:vg/snap
    assert_status 8
    assert_shown "cut         $text"
    assert_shown "lvextend -L 32768b vg/snap"
    program snapinspect --json --devices pv0,pv1 lvm:vg/snap
    assert_json .result.needs_bytes 32256
    # Of an image, the same is said with other ways out.
    program snapinspect cow
    assert_shown "cut         $text"
    assert_shown "truncate -s 32256 cow"
}

@test "--lvm: another group, no group, and what does not go with it" {
    program snapinspect --lvm --devices pv0,pv1 vh
    assert_status 8
    assert_said "snapinspect: vh: there is no LVM group of this name on these devices"
    program snapinspect --lvm --devices origin
    assert_status 0
    assert_equal "$output" ""
    assert_said "there is no LVM group on these devices"
    for wrong in '--list' '--origin lvm:vg/origin' '--cow lvm:vg/snap'; do
        # shellcheck disable=SC2086
        program snapinspect --lvm --devices pv0,pv1 $wrong
        assert_status 16
    done
}

@test "where such a name makes no sense, all is left as it was" {
    program snapcreate --origin lvm:vg/origin --cow image --size 1M --print-table=P
    assert_status 16
    assert_said "--print-table and --activate need devices, and a volume of an LVM group that is not active has none"
    program snapmerge --cow cow
    assert_status 16
    assert_said "the option --origin DEV is missing"
}

@test "--extract writes what the snapshot shows, and nothing onto a physical volume" {
    program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out lvm:vg/snap
    assert_status 0
    cmp out view
    program snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract - lvm:vg/snap
    program_in_shell '>stream' snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract - lvm:vg/snap
    assert_status 0
    cmp stream view
    program snapinspect --devices pv0,pv1 --extract follows lvm:vg/snap
    assert_status 0
    cmp follows view
    program snapinspect --devices pv0,pv1 --origin lvm:vg/other --extract out2 lvm:vg/snap
    assert_status 8
    program_in_shell '>>pv1' snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract - lvm:vg/snap
    assert_status 8
    program_in_shell '1<>pv0' snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract - lvm:vg/snap
    assert_status 8
    assert_said "it lies on lvm:vg/origin, and writing to the one would change the other"
    [ ! -e out2 ]
}

@test "--extract of a volume that the metadata know no origin of needs --origin" {
    volumes_make origin cow 'type = "snapshot"' 'type = "zero"'
    sha256sum pv0 pv1 >before
    program snapinspect --devices pv0,pv1 --extract out lvm:vg/snap
    assert_status 16
    assert_said "lvm:vg/snap: LVM's metadata name no origin of it: name it with --origin"
    program snapinspect --devices pv0,pv1 --origin origin --extract out lvm:vg/snap
    assert_status 0
    cmp out view
}

@test "lines that show or save more of a store have --devices, too" {
    local line
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/invalid.recipe" cow origin view
    volumes_make origin cow
    sha256sum pv0 pv1 >before
    program snapinspect --devices pv0,pv1 lvm:vg/snap
    line=$(sed -n 's/.*to a new file: //p' <<<"$stderr")
    [[ $line == *" --accept=invalid --devices pv0,pv1 --origin lvm:vg/origin lvm:vg/snap" ]]
    status=0
    PATH=$BUILDDIR/tools:$PATH bash -c "$line" || status=$?
    [ $status -eq 4 ]
    [ -s FILE ]
    "$BUILDDIR/tests/images/mkstore" "$SRCDIR/tests/images/new-on-area-0.recipe" cow origin view
    volumes_make origin cow
    sha256sum pv0 pv1 >before
    program snapinspect --devices pv0,pv1 lvm:vg/snap
    line=$(sed -n 's/.*this shows all that is wrong: //p' <<<"$stderr")
    [[ $line == "snapcheck --all --devices pv0,pv1 --origin lvm:vg/origin lvm:vg/snap" ]]
}

@test "a line to go on with has --devices, too" {
    local line
    local pid status=0
    # Some minutes at this rate.
    # shellcheck disable=SC2086
    env --default-signal=INT $WRAPPER "$BUILDDIR/tools/snapinspect" --rate-limit 4K --devices pv0 --devices pv1 \
        --origin lvm:vg/origin --extract out lvm:vg/snap </dev/null >said.out 2>said 3>&- &
    pid=$!
    for _ in {1..600}; do
        [ ! -e out.partial ] || break
        sleep 0.05
    done
    kill -INT "$pid"
    wait "$pid" || status=$?
    [ "$status" -eq 32 ]
    line=$(sed -n 's/.*To go on: //p' said)
    [[ $line == *" --devices pv0 --devices pv1 --origin lvm:vg/origin --cow lvm:vg/snap --extract out"* ]]
    PATH=$BUILDDIR/tools:$PATH bash -c "$line"
    cmp out view
}

@test "each physical volume is looked up once: its metadata and its data are those of one file" {
    local arguments
    need_strace
    for arguments in 'snapcheck --devices pv0,pv1 lvm:vg/snap' 'snapinspect --lvm --devices pv0,pv1' \
            'snapinspect --devices pv0,pv1 --origin lvm:vg/origin --extract out lvm:vg/snap'; do
        # shellcheck disable=SC2086
        traced -e trace=open,openat,openat2 -- $arguments
        assert_status 0
        assert_equal "$(grep -E '"([^"]*/)?pv[01]"' trace | grep -c O_PATH)" 2
        assert_equal "$(grep -E 'open.*"([^"]*/)?pv[01]"' trace | grep -vc O_PATH || true)" 0
        [ "$(grep -cE '"/proc/self/fd/[0-9]+", O_RDONLY.* = [0-9]+<.*/pv[01]>' trace)" -ge 4 ]
    done
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

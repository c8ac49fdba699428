#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# The recipes of dmsnap(7) that work on images, line by line as a reader would type them; kernel/recipes.bats and
# kernel/lvm_states.bats run those that need LVM or devices that fail.

setup() {
    load helpers
    load work
    load volumes
    load recipes
    in_folder
}

# carried_out TITLE STATUS...: each line of the recipe as a reader types it, and the status that the manual says of it; what
# was said is in the files said.1, said.2, ...
carried_out() {
    local title=$1 line count=0 got
    shift
    while read -r line; do
        count=$((count + 1))
        got=0
        env PATH="$BUILDDIR/tools:$PATH" bash -c "$line" </dev/null >"said.$count" 2>&1 || got=$?
        echo "$line: $got"
        cat "said.$count"
        [ $got -eq "${1-none}" ]
        shift
    done < <(recipe "$title")
    [ $count -gt 0 ] && [ $# -eq 0 ]
}

# overlay ORIGIN SIZE: an ext4 in ORIGIN, and overlay.img, with which a file of 1 MiB has come into it; `view` is what
# it shows.
overlay() {
    mke2fs -q -t ext4 -L data -E hash_seed=00000000-0000-4000-8000-000000000001 "$1" 4M 2>/dev/null
    cp "$1" view
    perl -e 'print pack("Q<", $_) x 512 for 1 .. 256' >letter
    debugfs -w -R 'write letter letter' view 2>/dev/null
    "$BUILDDIR/tools/snapcreate" --quiet --origin "$1" --cow overlay.img --from-diff view --size "$2"
    cp "$1" origin.before
}

# full: the overlay of a live stick at the moment at which the kernel gives it up.
full() {
    overlay rootfs.img 4M
    "$BUILDDIR/tools/snapcheck" --quiet --repair-to fit --size fit --origin rootfs.img overlay.img
    mv fit overlay.img
    printf '\0' | dd of=overlay.img bs=1 seek=4 conv=notrunc status=none
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

@test "the overlay of a live stick is full: valid again, with room, and it shows what it showed" {
    full
    carried_out 'The overlay of a live stick is full' 4 1 0 0
    grep -q 'it overflowed, no chunk is free' said.1
    grep -q 'clean$' said.4
    cmp rootfs.img origin.before
    [ "$(stat -c %s overlay.img)" -gt $((512 << 20)) ]
    program snapinspect --extract shown --origin rootfs.img overlay.img
    assert_status 0
    cmp shown view
    program snapmerge --origin rootfs.img --cow overlay.img
    assert_status 0
    cmp rootfs.img view
}

@test "a full overlay is copied to a larger one, and itself stays as it was" {
    full
    cp overlay.img overlay.before
    carried_out 'A full overlay is copied to a larger one' 1 0
    grep -q 'clean$' said.2
    cmp rootfs.img origin.before
    cmp overlay.img overlay.before
    assert_equal "$(stat -c %s larger.img)" $((1 << 30))
    program snapmerge --origin rootfs.img --cow larger.img
    assert_status 0
    cmp rootfs.img view
}

@test "a COW file was cut off: what is lost is named, all else is shown, and it can be used again" {
    overlay disk.img 4M
    # 225 chunks of 4 KiB: entries 0 to 222 have their data; the others are of the file, from chunk 551 of the view on.
    truncate -s $((225 * 4096)) overlay.img
    cp overlay.img overlay.before
    carried_out 'A COW file was cut off' 8 8 1 0 0 0
    grep -q 'so it was cut' said.1
    grep -q "bytes $((551 * 4096)) to $((584 * 4096 - 1)) of the snapshot.* show what the origin has afterwards" said.2
    grep -q 'the list will end after 223 entries' said.2
    cp view expected
    dd if=disk.img of=expected bs=4096 skip=551 seek=551 count=38 conv=notrunc status=none
    cmp view.img expected
    run -1 cmp -s expected view
    cmp disk.img origin.before
    program snapmerge --origin disk.img --cow overlay.img
    assert_status 0
    cmp disk.img expected
}

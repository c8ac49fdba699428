#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# A device or image that is in use under another name is in use: other loop devices, overlays, hard links; also where
# there is no sysfs.

setup() {
    load helpers
    load work
    load images
    images_make one-entry
    loops=()
}

teardown() {
    [ -z "${lock_pid-}" ] || kill "$lock_pid" 2>/dev/null || true
    loops_detach
    [ -z "${swap_file-}" ] || swapoff "$swap_file"
    open_dir_remove
}

# refused STATUS TEXT: a refused merge, with every byte as it was.
refused() {
    assert_status "$1"
    assert_said "$2"
    assert_said "Nothing was written."
    images_unchanged
}

# hold_lock FILE F_WRLCK|F_RDLCK: holds a lock on a file, as another program would, until the test ends.
hold_lock() {
    perl -e 'use Fcntl; open(my $file, "+<", $ARGV[0]) or die; my $kind = $ARGV[1] eq "F_WRLCK" ? F_WRLCK : F_RDLCK;
        my $lock = pack("s s x4 q q i x4", $kind, 0, 0, 0, 0); fcntl($file, F_SETLK, $lock) or die;
        print "locked\n"; close(STDOUT); sleep 60' "$@" >"$BATS_TEST_TMPDIR/locked" &
    lock_pid=$!
    while [ ! -s "$BATS_TEST_TMPDIR/locked" ]; do sleep 0.05; done
}

# in_a_namespace SCRIPT: with mounts of its own; $1 is the folder of the images, $2 where the programs are.
in_a_namespace() {
    run --separate-stderr unshare -m bash -euc "$1" bash "$BATS_TEST_TMPDIR" "$BUILDDIR/tools"
}

need_namespace() {
    [ "$(id -u)" -eq 0 ] || skip "needs root for mounts"
    unshare -m true 2>/dev/null || skip "needs mount namespaces"
}

@test "an origin that is mounted through another loop device is refused, by a dry run too" {
    need_loops
    need_namespace
    truncate -s 4M "$BATS_TEST_TMPDIR/fs.img"
    mke2fs -q -t ext2 "$BATS_TEST_TMPDIR/fs.img"
    program snapcreate --origin "$BATS_TEST_TMPDIR/fs.img" --cow "$BATS_TEST_TMPDIR/fs.cow" --size 1M
    assert_status 0
    loop_over "$BATS_TEST_TMPDIR/fs.img"
    local first=$loop
    loop_over "$BATS_TEST_TMPDIR/fs.img"
    local before
    before=$(sha256sum "$BATS_TEST_TMPDIR/fs.cow")
    in_a_namespace "mkdir \$1/mnt; mount $first \$1/mnt
        \$2/snapmerge -n --origin $loop --cow \$1/fs.cow"
    assert_status 8
    assert_said "$loop: in use: $first has the same bytes, and is mounted on "
    in_a_namespace "mount $first \$1/mnt
        \$2/snapmerge --origin $loop --cow \$1/fs.cow"
    assert_status 8
    assert_said "mounted on "
    assert_said "Nothing was written."
    assert_equal "$(sha256sum "$BATS_TEST_TMPDIR/fs.cow")" "$before"
}

@test "an origin that another program holds through another loop device is refused" {
    need_loops
    loop_over "$origin"
    local first=$loop
    loop_over "$origin"
    perl -e 'use Fcntl; sysopen(my $file, $ARGV[0], O_RDONLY | O_EXCL) or die; print "held\n"; close(STDOUT); sleep 60' \
        "$first" >"$BATS_TEST_TMPDIR/locked" &
    lock_pid=$!
    while [ ! -s "$BATS_TEST_TMPDIR/locked" ]; do sleep 0.05; done
    program snapmerge --origin "$loop" --cow "$cow"
    refused 8 "$loop: in use: $first has the same bytes, and is held by another program"
}

@test "the file behind a loop device is locked" {
    need_loops
    loop_over "$origin"
    hold_lock "$origin" F_WRLCK
    program snapmerge --origin "$loop" --cow "$cow"
    refused 8 "another program holds a lock on $origin, which has the same bytes"
}

@test "the file behind a loop device is not written to while somebody reads it under a lock" {
    need_loops
    loop_over "$origin"
    hold_lock "$origin" F_RDLCK
    program snapmerge --origin "$loop" --cow "$cow"
    refused 8 "another program holds a lock on $origin, which has the same bytes"
}

@test "a hard link to an image behind a loop device is refused" {
    need_loops
    loop_over "$origin"
    ln "$origin" "$BATS_TEST_TMPDIR/link.img"
    program snapmerge --origin "$BATS_TEST_TMPDIR/link.img" --cow "$cow"
    refused 8 "link.img: the image backs $loop; use that device, or detach it"
}

@test "without sysfs the loop devices themselves are asked; without that and /proc nothing is written" {
    need_loops
    need_namespace
    loop_over "$origin"
    in_a_namespace 'mount -t tmpfs none /sys; $2/snapmerge --origin $1/origin.img --cow $1/cow.img'
    refused 8 "the image backs $loop"
    loops_detach
    in_a_namespace 'mount -t tmpfs none /sys; mount -t tmpfs none /proc
        $2/snapmerge --origin $1/origin.img --cow $1/cow.img'
    refused 8 "neither /sys nor /proc is there"
    assert_said "mount /proc and /sys, and repeat the command"
    in_a_namespace 'mount -t tmpfs none /sys; $2/snapmerge --origin $1/origin.img --cow $1/cow.img'
    assert_status 0
}

@test "a loop device that does not tell its file refuses: the image may be behind it" {
    need_loops
    need_namespace
    loop_over "$origin"
    in_a_namespace "mount -t tmpfs none /sys; mount --bind /dev/null $loop
        \$2/snapmerge --origin \$1/origin.img --cow \$1/cow.img"
    refused 8 "$loop is in use, and this system does not tell which file it shows"
    assert_said "make the node $loop, and repeat the command"
}

@test "another loop device of the origin that has no node, or somebody else's, cannot be held: refused" {
    need_loops
    need_namespace
    loop_over "$origin"
    local first=$loop
    loop_over "$origin"
    truncate -s 1M "$BATS_TEST_TMPDIR/third.img"
    local second=$loop
    loop_over "$BATS_TEST_TMPDIR/third.img"
    in_a_namespace "mount --bind $loop $second
        \$2/snapmerge --origin $first --cow \$1/cow.img"
    refused 8 "$first: $second became another device while it was opened"
    in_a_namespace "mount -t tmpfs none /dev; mknod $first b 7 ${first#/dev/loop}
        \$2/snapmerge --origin $first --cow \$1/cow.img"
    refused 8 "$first: $second has the same bytes, and cannot be held: No such file or directory"
}

# Runs a command while the file is locked by somebody else.
locked='perl -e '\''use Fcntl; open(my $file, "+<", shift) or die;
    my $lock = pack("s s x4 q q i x4", F_WRLCK, 0, 0, 0, 0); fcntl($file, F_SETLK, $lock) or die;
    exit(system(@ARGV) >> 8)'\'

overlay='mkdir -p $1/lower $1/work $1/merged
    mount -t overlay overlay -o "lowerdir=$1/lower,upperdir=$1/upper,workdir=$1/work" $1/merged'

@test "an image on an overlay is locked in the upper layer and in the merged view" {
    need_namespace
    mkdir "$BATS_TEST_TMPDIR/upper"
    cp "$origin" "$BATS_TEST_TMPDIR/upper/origin.img"
    unshare -m bash -euc "$overlay" bash "$BATS_TEST_TMPDIR" || skip "needs overlayfs"
    in_a_namespace "$overlay
        $locked \$1/merged/origin.img \$2/snapmerge --origin \$1/upper/origin.img --cow \$1/cow.img"
    assert_status 8
    assert_said "holds a lock on "
    assert_said "merged/origin.img, which has the same bytes"
    in_a_namespace "$overlay
        $locked \$1/upper/origin.img \$2/snapmerge --origin \$1/merged/origin.img --cow \$1/cow.img"
    assert_status 8
    assert_said "upper/origin.img, which has the same bytes"
    images_unchanged
}

@test "an image in the upper layer is refused while a loop device shows its merged name" {
    need_loops
    need_namespace
    mkdir "$BATS_TEST_TMPDIR/upper"
    cp "$origin" "$BATS_TEST_TMPDIR/upper/origin.img"
    unshare -m bash -euc "$overlay" bash "$BATS_TEST_TMPDIR" || skip "needs overlayfs"
    in_a_namespace "$overlay
        loop=\$(losetup --find --show \$1/merged/origin.img)
        trap 'losetup --detach \$loop' EXIT
        \$2/snapmerge --origin \$1/upper/origin.img --cow \$1/cow.img"
    assert_status 8
    assert_said "upper/origin.img: the image backs /dev/loop"
    images_unchanged
}

# on_overlay SCRIPT: in_a_namespace with an overlay over an origin with a file system, which is mounted on mnt by the
# loop device $over; over FILE makes one over a name of the origin, and unmakes it at the end.
on_overlay() {
    in_a_namespace 'cd $1; mkdir -p mnt alias; rm -f link
        trap "umount -q mnt || :; cat loops | xargs -r losetup --detach" EXIT
        over() { over=$(losetup --find --show $1); echo "$over" >>loops; }
        merge() { $tools/snapmerge --origin "$1" --cow fs.cow; }
        : >loops; tools=$2
        '"$overlay; $1"
}

need_overlay_of_file_system() {
    need_loops
    need_namespace
    mkdir -p "$BATS_TEST_TMPDIR/upper/sub"
    truncate -s 4M "$BATS_TEST_TMPDIR/upper/sub/fs.img"
    mke2fs -q -t ext2 "$BATS_TEST_TMPDIR/upper/sub/fs.img"
    program snapcreate --origin "$BATS_TEST_TMPDIR/upper/sub/fs.img" --cow "$BATS_TEST_TMPDIR/fs.cow" --size 1M
    assert_status 0
    unshare -m bash -euc "$overlay" bash "$BATS_TEST_TMPDIR" || skip "needs overlayfs"
}

# The same with relative names, which the mount table then shows.
relative_overlay='cd $1; mkdir -p lower work merged
    mount -i -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged
    grep -q ,upperdir=upper, /proc/self/mounts'

refused_as_mounted() {
    assert_status 8
    assert_said "has the same bytes, and is mounted on "
    assert_said "Nothing was written."
}

@test "a loop device over the one name on an overlay is in use by a loop device over the other name" {
    need_overlay_of_file_system
    on_overlay 'over merged/sub/fs.img; mount $over mnt; over upper/sub/fs.img; merge $over'
    refused_as_mounted
    on_overlay 'over upper/sub/fs.img; mount $over mnt; over merged/sub/fs.img; merge $over'
    refused_as_mounted
    on_overlay 'over merged/sub/fs.img; merge $over'
    assert_status 0
}

@test "the file behind a loop device is locked under its other name on an overlay, too" {
    need_overlay_of_file_system
    on_overlay "over upper/sub/fs.img; $locked merged/sub/fs.img \$tools/snapmerge --origin \$over --cow fs.cow"
    assert_status 8
    assert_said "holds a lock on $BATS_TEST_TMPDIR/merged/sub/fs.img, which has the same bytes"
    on_overlay "over merged/sub/fs.img; $locked upper/sub/fs.img \$tools/snapmerge --origin \$over --cow fs.cow"
    assert_status 8
    assert_said "holds a lock on $BATS_TEST_TMPDIR/upper/sub/fs.img, which has the same bytes"
}

@test "an image on an overlay is found in use where paths tell nothing: relative layers, bind mounts, hard links" {
    need_overlay_of_file_system
    unshare -m bash -euc "$relative_overlay" bash "$BATS_TEST_TMPDIR" || skip "needs overlays with relative names"
    on_overlay 'mount --bind upper alias; over merged/sub/fs.img; mount $over mnt; merge alias/sub/fs.img'
    assert_status 8
    assert_said "alias/sub/fs.img: the image backs /dev/loop"
    on_overlay "mount --bind upper/sub alias; $locked merged/sub/fs.img \$tools/snapmerge --origin alias/fs.img --cow fs.cow"
    assert_status 8
    assert_said "merged/sub/fs.img, which has the same bytes"
    on_overlay 'ln upper/sub/fs.img link; over merged/sub/fs.img; mount $over mnt; merge link'
    assert_status 8
    assert_said "link: the image backs /dev/loop"
    overlay=$relative_overlay
    on_overlay 'over merged/sub/fs.img; mount $over mnt; merge upper/sub/fs.img'
    assert_status 8
    assert_said "upper/sub/fs.img: the image backs /dev/loop"
    on_overlay 'over upper/sub/fs.img; mount $over mnt; merge merged/sub/fs.img'
    assert_status 8
    assert_said "merged/sub/fs.img: the image backs /dev/loop"
    on_overlay "$locked merged/sub/fs.img \$tools/snapmerge --origin upper/sub/fs.img --cow fs.cow"
    assert_status 8
    assert_said "merged/sub/fs.img, which has the same bytes"
    on_overlay 'merge upper/sub/fs.img'
    assert_status 0
}

@test "a loop device over a name on an overlay that is out of sight by now is found by the number of the file" {
    need_overlay_of_file_system
    local over
    over=$(unshare -m bash -euc "$overlay; losetup --find --show \$1/merged/sub/fs.img" bash "$BATS_TEST_TMPDIR")
    loops+=("$over")
    [ ! -e "$BATS_TEST_TMPDIR/merged/sub" ]
    program snapmerge --origin "$BATS_TEST_TMPDIR/upper/sub/fs.img" --cow "$BATS_TEST_TMPDIR/fs.cow"
    assert_status 8
    assert_said "upper/sub/fs.img: the image backs $over; use that device, or detach it"
}

@test "an image in a lower layer is not copied into the upper one by the look at its merged name" {
    need_overlay_of_file_system
    mkdir -p "$BATS_TEST_TMPDIR/lower"
    mv "$BATS_TEST_TMPDIR/upper/sub" "$BATS_TEST_TMPDIR/lower/sub"
    # Without the sandbox, which may keep the kernel from copying it.
    on_overlay '$tools/snapmerge --no-sandbox --origin lower/sub/fs.img --cow fs.cow'
    assert_status 0
    [ ! -e "$BATS_TEST_TMPDIR/upper/sub" ]
}

@test "an image on an overlay whose layers cannot be seen is merged with a warning" {
    need_namespace
    mkdir "$BATS_TEST_TMPDIR/upper"
    cp "$origin" "$BATS_TEST_TMPDIR/upper/origin.img"
    unshare -m bash -euc "$overlay" bash "$BATS_TEST_TMPDIR" || skip "needs overlayfs"
    in_a_namespace "$overlay
        mount -t tmpfs none \$1/upper
        \$2/snapmerge --origin \$1/merged/origin.img --cow \$1/cow.img"
    assert_status 0
    assert_said "warning: "
    assert_said "lies on an overlay file system whose layers cannot be seen from here"
}

@test "an origin that is active swap space is refused, by a dry run too, also behind a loop device" {
    need_loops
    [ "$(id -u)" -eq 0 ] || skip "needs root for swap space"
    local swap=$BATS_TEST_TMPDIR/swap.img
    dd if=/dev/zero of="$swap" bs=1M count=1 status=none
    chmod 600 "$swap"
    mkswap "$swap" >/dev/null
    swapon "$swap" || skip "needs a file system that can hold swap space"
    swap_file=$swap
    program snapmerge -n --origin "$swap" --cow "$cow"
    refused 8 "$swap: in use as swap space: end that with swapoff, and repeat the command"
    program snapmerge --origin "$swap" --cow "$cow"
    refused 8 "$swap: in use as swap space: end that with swapoff, and repeat the command"
    loop_over "$swap"
    program snapmerge -n --origin "$loop" --cow "$cow"
    refused 8 "$loop: in use as swap space under the name $swap: end that with swapoff"
}

# make_erofs FILE: an image with an empty root folder, which is all that a mount looks at.
make_erofs() {
    perl -e 'open(my $file, "+<", $ARGV[0]) or die;
        seek($file, 1024, 0);
        print $file pack("V V V C C v Q< Q< V V V V", 0xE0F5E1E2, 0, 0, 12, 0, 0, 1, 0, 0, 1, 1, 0), "\0" x 72;
        seek($file, 4096, 0);
        print $file pack("v v v v V V V V v v V", 0, 0, 0x41ED, 2, 27, 0, 2, 1, 0, 0, 0);
        seek($file, 8192, 0);
        print $file pack("Q< v C C Q< v C C", 0, 24, 2, 0, 0, 25, 2, 0), "..."; close($file) or die' "$1"
}

@test "an image that is mounted without a loop device is refused, by a dry run too" {
    need_namespace
    [ "$(uname -m)" = x86_64 ] || skip "knows the number of the system call on x86-64 only"
    local image=$BATS_TEST_TMPDIR/fs.img
    # mount(8) would make a loop device.
    local mount='mkdir -p $1/mnt
        mount_file() { perl -e "push(@ARGV, q(erofs)); syscall(165, @ARGV, 1, 0) == 0 or die \"mount: \$!\"" "$@"; }
        mount_file $1/fs.img $1/mnt; grep -q "$1/mnt erofs" /proc/mounts'
    truncate -s 1M "$image"
    make_erofs "$image"
    program snapcreate --origin "$image" --cow "$BATS_TEST_TMPDIR/fs.cow" --size 1M
    assert_status 0
    unshare -m bash -euc "$mount" bash "$BATS_TEST_TMPDIR" || skip "needs a kernel that mounts erofs from a file"
    in_a_namespace "$mount
        \$2/snapmerge -n --origin \$1/fs.img --cow \$1/fs.cow"
    refused 8 "$image: in use: mounted on "
    in_a_namespace "$mount
        \$2/snapmerge --origin \$1/fs.img --cow \$1/fs.cow"
    refused 8 "$image: in use: mounted on "
    assert_said "mnt; unmount it, and repeat the command"
}

@test "an ordinary user is not kept from an image by loop devices over files that are closed to him" {
    need_loops
    [ "$(id -u)" -eq 0 ] || skip "needs root for loop devices"
    open_dir_make
    cp "$origin" "$cow" "$open_dir"
    chmod 666 "$open_dir"/*
    mkdir -m 700 "$BATS_TEST_TMPDIR/closed"
    truncate -s 1M "$BATS_TEST_TMPDIR/closed/file"
    loop_over "$BATS_TEST_TMPDIR/closed/file"
    program_unprivileged snapmerge --origin "$open_dir/origin.img" --cow "$open_dir/cow.img"
    assert_status 0
}

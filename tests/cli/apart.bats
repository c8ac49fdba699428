#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# No new file is made, and no store, where writing to it would change the origin, the COW or what is compared with it.
# shellcheck disable=SC2030,SC2031,SC2034,SC2154

setup() {
    load helpers
    load work
    load background
    load outputs
    load system_calls
    in_folder
    mounts=()
    pid=
    need_loops
    mkdir there
}

teardown() {
    [ -z "$pid" ] || kill -KILL "$pid" 2>/dev/null || true
    unmount
    loops_detach
}

# mounted [OPTION...] SOURCE TARGET
mounted() {
    mount "$@" 2>/dev/null || skip "cannot be mounted here: $*"
    mounts=("${@: -1}" "${mounts[@]}")
}

unmount() {
    local target
    for target in "${mounts[@]}"; do
        umount "$target"
    done
    mounts=()
}

# An origin with an ext4, and a store for it.
ext4_pair() {
    mke2fs -q -t ext4 -b 4096 origin 8M
    cp origin view
    contents piece 40000 piece
    dd if=piece of=view bs=4096 seek=1500 conv=notrunc status=none
    program snapcreate --origin origin --cow cow --size max --from-diff view
    assert_status 0
}

# refused TEXT: with 8, and nothing came into the folder `there`.
refused() {
    assert_status 8
    assert_said "$1"
    assert_said "and writing to the one would change the other; name a place elsewhere"
    assert_said "Nothing was written."
    assert_equal "$(ls there)" "$inside"
}

# all_refused ORIGIN: each program that makes a file makes none in `there`.
all_refused() {
    inside=$(ls there)
    program snapcreate --origin "$1" --cow there/new --size 64K
    refused "there/new: it lies on $1,"
    program snapcreate -n --origin "$1" --cow there/new --size 64K
    refused "there/new: it lies on $1,"
    program snapmerge --output there/new --origin "$1" --cow cow
    refused "there/new: it lies on $1,"
    program snapinspect --extract there/new --origin "$1" cow
    refused "there/new: it lies on $1,"
}

@test "in the origin's own file system, by the loop device and by the image" {
    ext4_pair
    loop_over origin
    mounted "$loop" there
    all_refused "$loop"
    all_refused origin
    mkdir beside
    mounted --bind there beside
    program snapmerge --output beside/new --origin "$loop" --cow cow
    refused "beside/new: it lies on $loop,"
}

@test "a COW that is there, in the origin's own file system: a file, and a device over one" {
    ext4_pair
    loop_over origin
    local origin_loop=$loop
    mounted "$loop" there
    truncate -s 1M there/cow
    inside=$(ls there)
    program snapcreate --origin "$origin_loop" --cow there/cow
    refused "there/cow: it lies on $origin_loop,"
    program snapcreate -f --origin origin --cow there/cow
    refused "there/cow: it lies on origin,"
    loop_over there/cow
    program snapcreate --origin "$origin_loop" --cow "$loop"
    refused "$loop: it lies on $origin_loop,"
    losetup --detach "$loop"
    loops=("$origin_loop")
    zero there/cow 0 1048576
}

@test "a COW in the file system of what the origin is compared with" {
    ext4_pair
    loop_over view
    mounted "$loop" there
    inside=$(ls there)
    program snapcreate --origin origin --cow there/new --size max --from-diff "$loop"
    refused "there/new: it lies on $loop,"
}

@test "in the COW's own file system" {
    local inside
    ext4_pair
    # A file system behind the store, on one device: a mount with an offset.
    cat cow >disk
    truncate -s 4M disk
    mke2fs -q -t ext4 -E offset=4194304 -F disk 4M
    loop_over disk --offset 4194304 --sizelimit 4194304
    mounted "$loop" there
    inside=$(ls there)
    program snapmerge --output there/new --origin origin --cow disk
    refused "there/new: it lies on disk,"
    program snapinspect --extract there/new --origin origin disk
    refused "there/new: it lies on disk,"
}

@test "the old bytes of a repair, and a new store, in the file system of the origin" {
    ext4_pair
    loop_over origin
    mounted "$loop" there
    inside=$(ls there)
    printf '\x02' | dd of=cow bs=1 seek=4 conv=notrunc status=none # `valid`
    local options
    for options in "-p --save-old there/old" "--repair-to there/new"; do
        # shellcheck disable=SC2086
        program snapcheck $options --origin origin cow
        assert_status 8
        assert_said "origin: the image backs $loop"
        assert_said "Nothing was written."
        assert_equal "$(ls there)" "$inside"
    done
}

# File systems whose number is no device's.
@test "in the origin's own btrfs, and in a subvolume of it" {
    command -v mkfs.btrfs >/dev/null || skip "needs btrfs-progs"
    truncate -s 120M origin
    mkfs.btrfs -q origin >/dev/null
    program snapcreate --no-identity --origin origin --cow cow --size 1M
    loop_over origin
    mounted -t btrfs "$loop" there
    all_refused "$loop"
    all_refused origin
    btrfs subvolume create there/volume >/dev/null
    inside=$(ls there)
    program snapmerge --output there/volume/new --origin "$loop" --cow cow
    refused "there/volume/new: it lies on $loop,"
}

@test "in a btrfs on two devices, each of which may be the origin" {
    command -v mkfs.btrfs >/dev/null || skip "needs btrfs-progs"
    local first second device
    truncate -s 120M one two
    loop_over one
    first=$loop
    loop_over two
    second=$loop
    mkfs.btrfs -q "$first" "$second" >/dev/null
    mounted -t btrfs "$first" there
    inside=$(ls there)
    for device in "$first" "$second"; do
        program snapcreate --origin "$device" --cow there/new --size 1M
        refused "there/new: it lies on $device,"
    done
    # A device over a file in it: the number of that file system names no device either.
    truncate -s 1M there/cow
    inside=$(ls there)
    loop_over there/cow
    program snapcreate --origin "$second" --cow "$loop"
    refused "$loop: it lies on $second,"
    losetup --detach "$loop"
    loops=("$first" "$second")
}

@test "in an overlay whose upper layer is in the origin's own file system" {
    ext4_pair
    loop_over origin
    mkdir lower base
    mounted "$loop" base
    mkdir base/upper base/work
    mounted -t overlay -o "lowerdir=$PWD/lower,upperdir=$PWD/base/upper,workdir=$PWD/base/work" overlay there
    all_refused "$loop"
    assert_equal "$(ls base/upper)" ""
}

@test "a stream that is redirected into the origin, the COW, or the origin's file system" {
    ext4_pair
    inside=$(ls there)
    program_in_shell "1<>origin" snapinspect --origin origin --extract - cow
    refused "standard output: it lies on origin,"
    program_in_shell "1<>cow" snapinspect --origin origin --extract - cow
    refused "standard output: it lies on cow,"
    loop_over origin
    program_in_shell "1<>$loop" snapinspect --origin origin --extract - cow
    refused "standard output: it lies on origin,"
    mounted "$loop" there
    : >there/new
    inside=$(ls there)
    program_in_shell ">there/new" snapinspect --origin "$loop" --extract - cow
    refused "standard output: it lies on $loop,"
    assert_equal "$(stat -c %s there/new)" 0
}

# appears OPTION...: the origin's file system is mounted on `there` when the program has judged the pair and is on its
# way to the folder. The mount changes the origin: each time it is the same as at first.
appears() {
    cp first origin
    held openat "$dir/there" snapmerge "$@" --origin origin --cow cow
    loop_over origin
    mounted "$loop" there
    let_go
    end
    unmount
    loops_detach
}

@test "checkpoint file and bad list: in the origin's own file system, which is mounted during the checks" {
    need_strace
    ext4_pair
    local before
    before=$(sha256sum cow)
    inside=
    cp origin first
    appears --keep-cow --checkpoint "$dir/there/state"
    refused "there/state: it lies on origin,"
    appears --continue-on-error --bad-list "$dir/there/list"
    refused "there/list: it lies on origin,"
    assert_equal "$(sha256sum cow)" "$before"
}

@test "elsewhere is fine: beside the images, and in a file system on another device" {
    ext4_pair
    mke2fs -q -t ext4 disk 32M
    loop_over disk
    mounted "$loop" there
    program snapcreate --origin origin --cow there/cow --size 64K
    assert_status 0
    program snapmerge --output there/output --origin origin --cow cow
    assert_status 0
    cmp there/output view
    program snapinspect --extract there/view --origin origin cow
    assert_status 0
    program snapmerge --undo there/undo --continue-on-error --bad-list there/list --origin origin --cow cow
    assert_status 0
    cmp origin view
}

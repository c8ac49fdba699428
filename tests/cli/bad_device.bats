#!/usr/bin/env bats
# SPDX-License-Identifier: GPL-2.0-or-later
# Devices that a program must refuse: named in the message, right exit status, every byte left as it was.

setup() {
    load helpers
    load work
    load images
    images_make one-entry
    loops=()
}

teardown() {
    [ -z "${holder_pid-}" ] || kill "$holder_pid"
    loops_detach
    open_dir_remove
}

# refused PROGRAM STATUS TEXT: what every refusal has in common, after `program`.
refused() {
    assert_status "$2"
    assert_equal "$output" ""
    assert_said "$1: "
    assert_said "$3"
    case $1 in
    snapmerge | snapcreate) assert_said "Nothing was written." ;;
    esac
    images_unchanged
}

readers=(snapinspect snapcheck)
all=(snapinspect snapcheck snapmerge snapcreate)

# All four refuse the pair.
all_refuse_same() {
    local name
    for name in "${all[@]}"; do
        program_on "$name" "$1" "$2"
        refused "$name" 8 "$2"
        assert_said "same"
    done
    program snapcreate --force --origin "$1" --cow "$2"
    refused snapcreate 8 "$2"
}

@test "the same image twice" {
    all_refuse_same "$cow" "$cow"
}

@test "the same image twice, once by a relative path" {
    cd "$BATS_TEST_TMPDIR"
    all_refuse_same "$cow" ./cow.img
}

@test "the same image twice, by a hard link" {
    ln "$cow" "$BATS_TEST_TMPDIR/link.img"
    all_refuse_same "$BATS_TEST_TMPDIR/link.img" "$cow"
}

@test "the same image twice, by a symbolic link" {
    ln -s cow.img "$BATS_TEST_TMPDIR/link.img"
    all_refuse_same "$BATS_TEST_TMPDIR/link.img" "$cow"
}

@test "an image and a loop device over it" {
    need_loops
    loop_over "$cow"
    local name
    for name in "${all[@]}"; do
        program_on "$name" "$loop" "$cow"
        refused "$name" 8 "$loop"
        program_on "$name" "$cow" "$loop"
        refused "$name" 8 "$loop"
    done
}

@test "two loop devices over one image" {
    need_loops
    loop_over "$cow"
    local first=$loop name
    loop_over "$cow"
    for name in "${all[@]}"; do
        program_on "$name" "$first" "$loop"
        refused "$name" 8 "$first"
    done
}

@test "origin and COW swapped: snapmerge prints the right line" {
    program snapmerge --origin "$cow" --cow "$origin"
    refused snapmerge 8 "swapped"
    assert_said "swapped; use --origin "
    # In quotes where the path needs some.
    stderr=${stderr//\'/}
    assert_said "--origin $origin --cow $cow"
}

@test "origin and COW swapped: the readers say so" {
    local name
    for name in "${readers[@]}"; do
        program "$name" --origin "$cow" "$origin"
        refused "$name" 8 "swapped"
    done
}

@test "a directory as COW, as origin" {
    local name
    mkdir "$BATS_TEST_TMPDIR/folder"
    for name in "${all[@]}"; do
        program_on "$name" "$origin" "$BATS_TEST_TMPDIR/folder"
        refused "$name" 16 "$BATS_TEST_TMPDIR/folder: "
        program_on "$name" "$BATS_TEST_TMPDIR/folder" "$cow"
        refused "$name" 16 "$BATS_TEST_TMPDIR/folder: "
    done
}

@test "a FIFO as COW, as origin: refused without waiting for a writer" {
    local name
    mkfifo "$BATS_TEST_TMPDIR/fifo"
    for name in "${all[@]}"; do
        program_on "$name" "$origin" "$BATS_TEST_TMPDIR/fifo"
        refused "$name" 16 "$BATS_TEST_TMPDIR/fifo: "
        program_on "$name" "$BATS_TEST_TMPDIR/fifo" "$cow"
        refused "$name" 16 "$BATS_TEST_TMPDIR/fifo: "
    done
}

@test "a character device" {
    local name
    for name in "${all[@]}"; do
        program_on "$name" "$origin" /dev/zero
        refused "$name" 16 "/dev/zero: "
    done
}

@test "a missing COW, a missing origin" {
    local name
    for name in "${all[@]}"; do
        program_on "$name" "$origin" "$BATS_TEST_TMPDIR/missing"
        refused "$name" 8 "$BATS_TEST_TMPDIR/missing: "
        program_on "$name" "$BATS_TEST_TMPDIR/missing" "$cow"
        refused "$name" 8 "$BATS_TEST_TMPDIR/missing: "
    done
    assert [ ! -e "$BATS_TEST_TMPDIR/missing" ]
}

@test "a tag that no device has" {
    program snapmerge --origin UUID=5a3c1f0e-7d24-4b6a-9c58-2e1f60d7a941 --cow "$cow"
    refused snapmerge 8 "UUID=5a3c1f0e-7d24-4b6a-9c58-2e1f60d7a941"
}

# --- permission --------------------------------------------------------------------------------
# The images where every user can reach them.
need_other_user() {
    [ "$(id -u)" -eq 0 ] || skip "needs root, to become somebody else"
    open_dir_make
    mv "$cow" "$origin" "$open_dir/"
    cow=$open_dir/cow.img
    origin=$open_dir/origin.img
    images_remember
}

@test "no permission to read the COW" {
    need_other_user
    chmod 600 "$cow"
    chmod 666 "$origin"
    program_unprivileged snapinspect --origin "$origin" "$cow"
    refused snapinspect 8 "$cow: "
    program_unprivileged snapcheck --origin "$origin" "$cow"
    refused snapcheck 8 "$cow: "
    program_unprivileged snapmerge --origin "$origin" --cow "$cow"
    refused snapmerge 8 "$cow: "
}

@test "no permission to write the origin: read by the readers, refused by snapmerge" {
    need_other_user
    chmod 644 "$origin"
    chmod 666 "$cow"
    program_unprivileged snapcheck --origin "$origin" "$cow"
    assert_status 0
    program_unprivileged snapmerge --origin "$origin" --cow "$cow"
    refused snapmerge 8 "$origin: "
}

@test "no permission to write the COW: refused by snapmerge and snapcreate" {
    need_other_user
    chmod 666 "$origin"
    chmod 644 "$cow"
    program_unprivileged snapmerge --origin "$origin" --cow "$cow"
    refused snapmerge 8 "$cow: "
    program_unprivileged snapcreate --force --origin "$origin" --cow "$cow"
    refused snapcreate 8 "$cow: "
}

# --- block devices -----------------------------------------------------------------------------
@test "a read-only loop device as origin: read by the readers, refused by snapmerge" {
    need_loops
    loop_over "$origin" --read-only
    program snapcheck --origin "$loop" "$cow"
    assert_status 0
    program snapmerge --origin "$loop" --cow "$cow"
    refused snapmerge 8 "$loop: "
    assert_said "; --output FILE writes the merged content elsewhere"
}

@test "a read-only loop device as COW: read by the readers, refused by snapmerge and snapcreate" {
    need_loops
    loop_over "$cow" --read-only
    program snapinspect --origin "$origin" "$loop"
    assert_status 0
    program snapmerge --origin "$origin" --cow "$loop"
    refused snapmerge 8 "$loop: "
    assert_said "; --keep-cow merges and leaves the COW as it is"
    program snapcreate --force --origin "$origin" --cow "$loop"
    refused snapcreate 8 "$loop: "
}

# hold DEVICE: a process of its own has it open exclusively, as a mount or a device-mapper table has.
hold() {
    coproc HOLDER {
        exec 3>&- perl -MFcntl -e \
            '$| = 1; sysopen(my $held, $ARGV[0], O_RDONLY | O_EXCL) or die; print "held\n"; sleep' "$1"
    }
    # shellcheck disable=SC2153 # set by coproc
    holder_pid=$HOLDER_PID
    local word
    read -r word <&"${HOLDER[0]}"
    assert_equal "$word" held
}

@test "a held origin is refused by snapmerge, also with --yes and --accept" {
    need_loops
    loop_over "$origin"
    hold "$loop"
    program snapmerge --origin "$loop" --cow "$cow"
    refused snapmerge 8 "$loop: "
    program snapmerge --yes --accept=identity,cut --origin "$loop" --cow "$cow"
    refused snapmerge 8 "$loop: "
}

@test "a dry run foresees that a device is held, or an image in use, as the merge would find it" {
    need_loops
    loop_over "$origin"
    program snapmerge -n --origin "$origin" --cow "$cow"
    refused snapmerge 8 "backs $loop"
    hold "$loop"
    program snapmerge -n --origin "$loop" --cow "$cow"
    refused snapmerge 8 "$loop: in use"
    kill "$holder_pid"
    wait "$holder_pid" || true
    holder_pid=
    program snapmerge -n --origin "$loop" --cow "$cow"
    assert_status 0
    loop_over "$cow"
    hold "$loop"
    program snapmerge -n --origin "${loops[0]}" --cow "$loop"
    refused snapmerge 8 "$loop: in use"
}

@test "a dry run names the mount point of a mounted origin" {
    need_loops
    mke2fs -q -t ext4 "$BATS_TEST_TMPDIR/mounted.img" 8M
    loop_over "$BATS_TEST_TMPDIR/mounted.img"
    mkdir "$BATS_TEST_TMPDIR/mount"
    mount "$loop" "$BATS_TEST_TMPDIR/mount"
    program snapmerge -n --origin "$loop" --cow "$cow"
    umount "$BATS_TEST_TMPDIR/mount"
    refused snapmerge 8 "mounted on $BATS_TEST_TMPDIR/mount"
}

@test "a held COW is refused by snapmerge and snapcreate, also with --force" {
    need_loops
    loop_over "$cow"
    hold "$loop"
    program snapmerge --origin "$origin" --cow "$loop"
    refused snapmerge 8 "$loop: "
    program snapmerge --keep-cow --origin "$origin" --cow "$loop"
    refused snapmerge 8 "$loop: "
    program snapcreate --force --origin "$origin" --cow "$loop"
    refused snapcreate 8 "$loop: "
}

@test "an image behind a loop device is refused by snapmerge and snapcreate, the loop device named" {
    need_loops
    loop_over "$origin"
    program snapmerge --origin "$origin" --cow "$cow"
    refused snapmerge 8 "$loop"
    loop_over "$cow"
    program snapcreate --force --origin "$view" --cow "$cow"
    refused snapcreate 8 "$loop"
}

@test "a merge between two loop devices works" {
    need_loops
    loop_over "$origin"
    local origin_loop=$loop
    loop_over "$cow"
    program snapmerge --origin "$origin_loop" --cow "$loop"
    assert_status 0
    blockdev --flushbufs "$origin_loop"
    cmp "$origin" "$view"
}

# Below a sector it would count as no origin at all: a clean check, and a merge of everything into nothing.
@test "an origin below a sector, or below a chunk, is refused by all four" {
    local bytes name said
    for bytes in 0 1 511 512 4095; do
        truncate -s "$bytes" "$origin"
        [ "$bytes" -lt 512 ] && said="at least one sector of 512 bytes" || said="one chunk, which has 4096 bytes"
        images_remember
        for name in "${all[@]}"; do
            program_on "$name" "$origin" "$cow"
            refused "$name" 8 "it has $bytes bytes, and an origin needs"
            assert_said "$said"
        done
        program snapmerge --undo "$BATS_TEST_TMPDIR/undo" --origin "$origin" --cow "$cow"
        refused snapmerge 8 "it has $bytes bytes"
        program snapmerge --output "$BATS_TEST_TMPDIR/out" --origin "$origin" --cow "$cow"
        refused snapmerge 8 "it has $bytes bytes"
        program snapcreate --origin "$origin" --cow "$BATS_TEST_TMPDIR/new" --size 1M
        refused snapcreate 8 "it has $bytes bytes"
    done
    truncate -s 4096 "$origin" # the other side of the limit
    program snapcreate --origin "$origin" --cow "$BATS_TEST_TMPDIR/new" --size 1M
    assert_status 0
}

@test "an origin below a chunk of another store whose view is kept is refused" {
    program snapcreate --quiet --origin "$origin" --cow "$BATS_TEST_TMPDIR/large" --size 4M --chunk-size 1M --no-identity
    assert_status 0
    truncate -s 1048064 "$origin"
    images_remember
    program snapmerge --preserve "$BATS_TEST_TMPDIR/large" --origin "$origin" --cow "$cow"
    refused snapmerge 8 "it has 1048064 bytes, and an origin needs at least one chunk, which has 1048576 bytes in"
}

@test "what is refused comes with what to do next: a tag, a version, blocks of 4 KiB" {
    local name
    for name in snapmerge snapcreate; do
        program "$name" --origin LABEL=dmsnap-no-such-label --cow "$cow"
        assert_status 8
        assert_said "LABEL=dmsnap-no-such-label: "
        [[ $stderr == *"; blkid lists those that there are"* || $stderr == *"; name the device itself, or repeat this outside"* ||
            $stderr == *"; repeat this as root"* ]]
    done
    images_make version-2
    program snapmerge --origin "$origin" --cow "$cow"
    assert_status 4
    assert_said "expected 1: no other version is known here"
    need_loops
    loop_over "$origin" --sector-size 4096
    program snapcreate --origin "$loop" --cow "$BATS_TEST_TMPDIR/new" --size 1M --chunk-size 512
    assert_status 8
    assert_said "the kernel refuses chunks of 512 there; use --chunk-size 4096 or a multiple of it"
}

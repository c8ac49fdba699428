/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read of block devices in a sysfs that is made here: kinds, names, and what stands on what. */
#include "lib/device/block.h"

#include "tests/unit/loop_fixture.h"

#include <sys/sysmacros.h>

static struct snap_block block;

static void read_block(const struct fixture *fixture, unsigned major_number, unsigned minor_number)
{
    assert_int_equal(snap_block_read_at(fixture->dir, makedev(major_number, minor_number), &block, NULL), SNAP_OK);
}

static void a_device_of_device_mapper_has_its_names_and_neighbours(void **state)
{
    const struct fixture *fixture = *state;

    fixture_text(fixture, "sys/dev/block/253:3/dm/name", "vg-snap\n");
    fixture_text(fixture, "sys/dev/block/253:3/dm/uuid", "LVM-abc\n");
    fixture_text(fixture, "sys/dev/block/253:3/size", "2048\n");
    fixture_text(fixture, "sys/dev/block/253:3/ro", "1\n");
    fixture_text(fixture, "sys/dev/block/253:3/slaves/loop1/dev", "7:1\n");
    fixture_text(fixture, "sys/dev/block/253:3/slaves/loop0/dev", "7:0\n");
    fixture_text(fixture, "sys/dev/block/253:3/holders/md0/dev", "9:0\n");
    read_block(fixture, 253, 3);
    assert_string_equal(snap_block_kind_name(block.kind), "dm");
    assert_string_equal(block.dm_name, "vg-snap");
    assert_string_equal(block.dm_uuid, "LVM-abc");
    assert_true(block.size_sectors == 2048);
    assert_true(block.read_only);
    assert_int_equal(block.below_count, 2);
    assert_true(block.below[0] == makedev(7, 0) && block.below[1] == makedev(7, 1));
    assert_int_equal(block.above_count, 1);
    assert_true(block.above[0] == makedev(9, 0));
    assert_false(block.left_out);
}

/* sysfs has links there; the name is the end of the link, and the disk of a partition is the folder above. */
static void a_partition_stands_on_its_disk(void **state)
{
    const struct fixture *fixture = *state;
    char path[PATH_MAX];

    fixture_text(fixture, "sys/devices/block/cciss!c0d0/dev", "104:0\n");
    fixture_text(fixture, "sys/devices/block/cciss!c0d0/cciss!c0d0p1/dev", "104:1\n");
    fixture_text(fixture, "sys/devices/block/cciss!c0d0/cciss!c0d0p1/partition", "1\n");
    fixture_text(fixture, "sys/dev/block/none", "");
    (void)snprintf(path, sizeof path, "%s/sys/dev/block/104:0", fixture->dir);
    assert_int_equal(symlink("../../devices/block/cciss!c0d0", path), 0);
    (void)snprintf(path, sizeof path, "%s/sys/dev/block/104:1", fixture->dir);
    assert_int_equal(symlink("../../devices/block/cciss!c0d0/cciss!c0d0p1", path), 0);
    read_block(fixture, 104, 1);
    assert_string_equal(block.kernel_name, "cciss/c0d0p1");
    assert_string_equal(snap_block_kind_name(block.kind), "part");
    assert_int_equal(block.below_count, 1);
    assert_true(block.below[0] == makedev(104, 0));
    read_block(fixture, 104, 0);
    assert_string_equal(block.kernel_name, "cciss/c0d0");
    assert_string_equal(snap_block_kind_name(block.kind), "disk");
    assert_int_equal(block.below_count, 0);
    assert_int_equal(block.above_count, 1);
    assert_true(block.above[0] == makedev(104, 1));
}

static void md_arrays_and_loop_devices_are_told_apart(void **state)
{
    const struct fixture *fixture = *state;

    fixture_text(fixture, "sys/dev/block/9:0/md/level", "raid1\n");
    fixture_text(fixture, "sys/dev/block/7:0/loop/backing_file", "/srv/a file.img (deleted)\n");
    read_block(fixture, 9, 0);
    assert_string_equal(snap_block_kind_name(block.kind), "md");
    assert_string_equal(block.md_level, "raid1");
    read_block(fixture, 7, 0);
    assert_string_equal(snap_block_kind_name(block.kind), "loop");
    assert_string_equal(block.backing_path, "/srv/a file.img (deleted)");
    assert_true(block.size_sectors == 0);
}

static void more_neighbours_than_there_is_room_for_are_left_out(void **state)
{
    const struct fixture *fixture = *state;
    char name[96], number[32];

    for (unsigned i = 0; i < SNAP_BLOCK_NEIGHBOURS_MAX; i++) {
        (void)snprintf(name, sizeof name, "sys/dev/block/9:0/slaves/%u/dev", i);
        (void)snprintf(number, sizeof number, "8:%u\n", i);
        fixture_text(fixture, name, number);
    }
    read_block(fixture, 9, 0);
    assert_int_equal(block.below_count, SNAP_BLOCK_NEIGHBOURS_MAX);
    assert_false(block.left_out);
    fixture_text(fixture, "sys/dev/block/9:0/slaves/last/dev", "8:9999\n");
    read_block(fixture, 9, 0);
    assert_int_equal(block.below_count, SNAP_BLOCK_NEIGHBOURS_MAX);
    assert_true(block.left_out);
}

static void a_device_that_is_gone_is_said(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_error err = {.status = SNAP_OK};

    assert_int_equal(snap_block_read_at(fixture->dir, makedev(8, 1), &block, &err), SNAP_E_NOENT);
    assert_string_equal(err.text, "8:1: sysfs does not know this device");
}

#define fixture_test(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(a_device_of_device_mapper_has_its_names_and_neighbours),
        fixture_test(a_partition_stands_on_its_disk),
        fixture_test(md_arrays_and_loop_devices_are_told_apart),
        fixture_test(more_neighbours_than_there_is_room_for_are_left_out),
        fixture_test(a_device_that_is_gone_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

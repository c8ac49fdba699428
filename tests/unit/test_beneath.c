/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests the devices of a file system, with mount tables and a sysfs as the kernel writes them. */
#include "lib/device/beneath.h"
#include "tests/unit/loop_fixture.h"

#include <sys/sysmacros.h>

static void find(const struct fixture *fixture, uint64_t file_system, int mount_id, struct snap_beneath *beneath)
{
    snap_beneath_find_at(fixture->dir, file_system, mount_id, beneath);
}

/* A sysfs with three disks, two of which are one btrfs; and a mount table. */
static void make_system(const struct fixture *fixture)
{
    fixture_text(fixture, "sys/class/block/sda/dev", "8:0\n");
    fixture_text(fixture, "sys/class/block/sdb/dev", "8:16\n");
    fixture_text(fixture, "sys/class/block/sdc/dev", "8:32\n");
    fixture_text(fixture, "sys/fs/btrfs/features/x", "1\n");
    fixture_text(fixture, "sys/fs/btrfs/0e5c/devices/sda/dev", "8:0\n");
    fixture_text(fixture, "sys/fs/btrfs/0e5c/devices/sdc/dev", "8:32\n");
    fixture_text(fixture, "sys/fs/btrfs/77aa/devices/sdb/dev", "8:16\n");
    fixture_text(fixture, "proc/self/mountinfo",
                 "40 1 0:40 / /one rw - btrfs /dev/sdc rw\n"
                 "41 1 0:41 / /two rw - btrfs /dev/sdb rw\n"
                 "42 1 0:42 / /tmp rw - tmpfs tmpfs rw\n"
                 "43 1 0:43 / /net rw - nfs4 server:/export rw\n"
                 "44 1 0:44 / /gone rw - btrfs /dev/sdx rw\n");
}

static void the_number_of_a_file_system_on_one_device(void **state)
{
    struct snap_beneath beneath;

    find(*state, makedev(8, 17), -1, &beneath); /* no mount table is needed */
    assert_int_equal(beneath.count, 1);
    assert_int_equal(beneath.numbers[0], makedev(8, 17));
}

static void all_devices_of_a_btrfs(void **state)
{
    struct snap_beneath beneath;

    make_system(*state);
    find(*state, makedev(0, 60), 40, &beneath); /* a subvolume has a number that is nowhere */
    assert_int_equal(beneath.count, 2);
    assert_int_equal(beneath.numbers[0], makedev(8, 32)); /* the one that is named first */
    assert_int_equal(beneath.numbers[1], makedev(8, 0));
    find(*state, makedev(0, 41), -1, &beneath); /* by its number, where the mount is not known */
    assert_int_equal(beneath.count, 1);
    assert_int_equal(beneath.numbers[0], makedev(8, 16));
}

static void nothing_where_nothing_is_known(void **state)
{
    static const int mounts[] = {42, 43, 44, 99};
    struct snap_beneath beneath;

    find(*state, makedev(0, 40), 40, &beneath); /* no mount table */
    assert_int_equal(beneath.count, 0);
    make_system(*state);
    for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
        find(*state, makedev(0, 99), mounts[i], &beneath);
        assert_int_equal(beneath.count, 0);
    }
}

static void an_overlay_lies_where_its_upper_layer_does(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_beneath beneath, under;
    char line[512];
    int fd = fixture_file(fixture, "upper/file", 1);

    (void)snprintf(line, sizeof line, "50 1 0:50 / /merged rw - overlay overlay rw,lowerdir=/l,upperdir=%s/upper,"
                   "workdir=/w\n51 1 0:51 / /other rw - overlay overlay rw,lowerdir=/l,upperdir=/nowhere,workdir=/w\n",
                   fixture->dir);
    fixture_text(fixture, "proc/self/mountinfo", line);
    snap_beneath_find(fd, &under);
    find(fixture, makedev(0, 50), 50, &beneath);
    assert_int_equal(beneath.count, under.count);
    if (under.count > 0)
        assert_int_equal(beneath.numbers[0], under.numbers[0]);
    find(fixture, makedev(0, 51), 51, &beneath);
    assert_int_equal(beneath.count, 0);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_number_of_a_file_system_on_one_device, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(all_devices_of_a_btrfs, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(nothing_where_nothing_is_known, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_overlay_lies_where_its_upper_layer_does, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

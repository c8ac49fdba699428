/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices a mount table names, where they are mounted; and what is said where there is none. */
#include "lib/device/mounted.h"

#include "tests/unit/loop_fixture.h"

#include <sys/sysmacros.h>

static void each_mount_of_a_device_is_listed(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_mounted mounted;

    fixture_text(fixture, "proc/self/mountinfo",
                 "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                 "21 20 0:5 / /proc rw - proc proc rw\n"
                 "22 20 253:3 / /mnt/a\\040b rw,relatime shared:1 - xfs /dev/mapper/x rw\n"
                 "no line of a mount table\n"
                 "23 20 253:3 /sub /srv ro - xfs /dev/mapper/x rw\n"
                 "24 20 0:40 / /btrfs rw - btrfs /nowhere/else rw\n");
    fixture_text(fixture, "proc/swaps", "Filename\tType\tSize\tUsed\tPriority\n/dev/null file 1 0 -1\n");
    assert_int_equal(snap_mounted_read_at(fixture->dir, &mounted, NULL), SNAP_OK);
    assert_int_equal(mounted.count, 3);
    assert_true(mounted.places[0].number == makedev(8, 1));
    assert_string_equal(mounted.places[0].target, "/");
    assert_true(mounted.places[1].number == makedev(253, 3));
    assert_string_equal(mounted.places[1].target, "/mnt/a b");
    assert_string_equal(mounted.places[2].target, "/srv");
    snap_mounted_free(&mounted);
    assert_int_equal(mounted.count, 0);
}

static void without_a_mount_table_it_is_said(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_mounted mounted;
    struct snap_error err;

    assert_int_equal(snap_mounted_read_at(fixture->dir, &mounted, &err), SNAP_E_NOENT);
    assert_non_null(strstr(err.text, "/proc/self/mountinfo"));
    snap_mounted_free(&mounted);
}

#define fixture_test(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(each_mount_of_a_device_is_listed),
        fixture_test(without_a_mount_table_it_is_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

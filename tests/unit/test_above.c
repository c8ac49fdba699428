/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands on a device, in a sysfs and with a mount table that are made here; live.bats has real ones. */
#include "lib/device/above.h"

#include "tests/unit/loop_fixture.h"

#include <sys/sysmacros.h>

static struct snap_above above;
static struct snap_error err;

static enum snap_status find(const struct fixture *fixture)
{
    err.text[0] = '\0';
    return snap_above_find_at(fixture->dir, makedev(253, 0), &above, &err);
}

/* base: on it a linear device, on that an array; and a loop device with a partition. */
static void make_system(const struct fixture *fixture)
{
    fixture_text(fixture, "sys/dev/block/253:0/dm/name", "base\n");
    fixture_text(fixture, "sys/dev/block/253:0/holders/dm-1/dev", "253:1\n");
    fixture_text(fixture, "sys/dev/block/253:1/dm/name", "over\n");
    fixture_text(fixture, "sys/dev/block/253:1/holders/md0/dev", "9:0\n");
    fixture_text(fixture, "sys/dev/block/9:0/md/level", "raid1\n");
    fixture_text(fixture, "proc/self/mountinfo", "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n");
    fixture_text(fixture, "sys/block/dm-0/dev", "253:0\n");
}

static void all_that_stands_on_it_is_found_once_and_in_order(void **state)
{
    make_system(*state);
    assert_int_equal(find(*state), SNAP_OK);
    assert_int_equal(above.count, 3);
    assert_true(above.devices[0].number == makedev(253, 0));
    assert_true(above.devices[1].number == makedev(253, 1));
    assert_true(above.devices[2].number == makedev(9, 0));
    assert_string_equal(above.devices[1].dm_name, "over");
    assert_false(above.devices[0].top);
    assert_true(above.devices[2].top);
}

static void what_is_mounted_far_above_is_named_with_its_place(void **state)
{
    const struct fixture *fixture = *state;

    make_system(fixture);
    fixture_text(fixture, "proc/self/mountinfo",
                 "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 9:0 / /mnt/a rw - xfs /dev/md0 rw\n");
    assert_int_equal(find(fixture), SNAP_E_BUSY);
    assert_non_null(strstr(err.text, "is mounted on /mnt/a; unmount it first"));
    fixture_text(fixture, "proc/self/mountinfo", "21 20 253:0 / /mnt/b rw - xfs /dev/mapper/base rw\n");
    assert_int_equal(find(fixture), SNAP_E_BUSY);
    assert_string_equal(err.text, "base is mounted on /mnt/b; unmount it first");
}

static void what_cannot_be_known_is_a_failure(void **state)
{
    const struct fixture *fixture = *state;
    char path[64];

    assert_int_not_equal(find(fixture), SNAP_OK); /* no mount table */
    make_system(fixture);
    for (unsigned i = 0; i < SNAP_ABOVE_MAX; i++) {
        (void)snprintf(path, sizeof path, "sys/dev/block/253:0/holders/dm-%u/dev", 100 + i);
        fixture_text(fixture, path, "");
        (void)snprintf(path, sizeof path, "sys/dev/block/253:%u/dm/name", 100 + i);
        fixture_text(fixture, path, "x\n");
    }
    assert_int_equal(find(fixture), SNAP_OK); /* holders without a number are gone */
    for (unsigned i = 0; i < SNAP_ABOVE_MAX; i++) {
        char number[32];

        (void)snprintf(path, sizeof path, "sys/dev/block/253:0/holders/dm-%u/dev", 100 + i);
        (void)snprintf(number, sizeof number, "253:%u\n", 100 + i);
        fixture_text(fixture, path, number);
    }
    assert_int_equal(find(fixture), SNAP_E_BUSY);
    assert_string_equal(err.text, "more than 64 devices stand on it");
}

#define fixture_test(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        fixture_test(all_that_stands_on_it_is_found_once_and_in_order),
        fixture_test(what_is_mounted_far_above_is_named_with_its_place),
        fixture_test(what_cannot_be_known_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

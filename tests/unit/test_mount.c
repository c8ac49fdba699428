/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests lines of the mount table as the kernel writes them, and the mount of an open file. */
#include "lib/device/mount.h"
#include "tests/unit/loop_fixture.h"

#include <sys/sysmacros.h>

static void a_line_has_its_parts(void **state)
{
    struct snap_mount mount;

    (void)state;
    assert_true(snap_mount_parse("36 35 98:3 /part /a\\040b rw,noatime master:1 shared:7 - ext3 /dev/a\\134b rw,x\n",
                                 &mount));
    assert_int_equal(mount.id, 36);
    assert_int_equal(mount.number, makedev(98, 3));
    assert_string_equal(mount.root, "/part");
    assert_string_equal(mount.target, "/a b");
    assert_string_equal(mount.type, "ext3");
    assert_string_equal(mount.source, "/dev/a\\b");
    assert_string_equal(mount.upper, "");
}

static void an_overlay_has_its_upper_layer(void **state)
{
    struct snap_mount mount;

    (void)state;
    assert_true(snap_mount_parse("65 20 0:39 / /m rw - overlay overlay rw,lowerdir=/l,upperdir=/u\\040p,workdir=/w\n",
                                 &mount));
    assert_string_equal(mount.upper, "/u p");
    assert_true(snap_mount_parse("65 20 0:39 / /m rw - overlay overlay ro,lowerdir=/l,upperdir=/last\n", &mount));
    assert_string_equal(mount.upper, "/last");
    assert_true(snap_mount_parse("65 20 0:39 / /m rw - overlay overlay ro,lowerdir=/l\n", &mount));
    assert_string_equal(mount.upper, "");
    assert_true(snap_mount_parse("66 20 8:1 / /m rw - ext4 /dev/sda1 rw,upperdir=/u\n", &mount)); /* it has none */
    assert_string_equal(mount.upper, "");
}

static void other_lines_are_refused(void **state)
{
    static const char *const lines[] = {
        "", "\n", "36 35 98:3 / /mnt rw\n", "36 35 x / /mnt rw - ext3 /dev/a rw\n", "x 35 98:3 / /mnt rw - ext3 a rw\n",
    };
    struct snap_mount mount;

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_false(snap_mount_parse(lines[i], &mount));
    assert_true(snap_mount_parse("36 35 0:5 / /mnt rw - tmpfs\n", &mount)); /* no source */
    assert_string_equal(mount.source, "");
}

static void the_mount_of_a_descriptor(void **state)
{
    const struct fixture *fixture = *state;
    int folder = open(fixture->dir, O_PATH | O_CLOEXEC), file = fixture_file(fixture, "file", 1);

    assert_true(folder >= 0);
    assert_int_equal(snap_mount_id(folder), snap_mount_id(file));
    assert_true(snap_mount_id(file) > 0);
    assert_int_equal(close(folder), 0);
    assert_int_equal(close(file), 0);
    assert_int_equal(snap_mount_id(12345), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_its_parts),
        cmocka_unit_test(an_overlay_has_its_upper_layer),
        cmocka_unit_test(other_lines_are_refused),
        cmocka_unit_test_setup_teardown(the_mount_of_a_descriptor, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

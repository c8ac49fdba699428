/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests the list of loop devices: from sysfs, without sysfs, and where nobody tells. */
#include "lib/device/loops.h"

#include "tests/unit/loop_fixture.h"

static void sysfs_lists_those_that_show_something(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_loops loops;

    fixture_text(fixture, "sys/block/loop0/dev", "7:0\n");
    fixture_text(fixture, "sys/block/loop1/dev", "7:1\n");
    fixture_text(fixture, "sys/block/sda/dev", "8:0\n");
    fixture_text(fixture, "sys/dev/block/7:0/size", "8\n");
    fixture_text(fixture, "sys/dev/block/7:1/size", "0\n");
    fixture_text(fixture, "sys/dev/block/7:0/loop/backing_file", "/srv/a file.img\n");
    fixture_text(fixture, "sys/dev/block/7:0/loop/offset", "4096\n");
    assert_int_equal(snap_loops_read_at(fixture->dir, &loops, NULL), SNAP_OK);
    assert_int_equal(loops.count, 1);
    assert_string_equal(loops.loops[0].node, "/dev/loop0");
    assert_string_equal(loops.loops[0].device.backing_path, "/srv/a file.img");
    assert_int_equal(loops.loops[0].device.backing_offset_bytes, 4096);
    assert_true(snap_loops_known(&loops.loops[0])); /* by its name, though there is no such file here */
    snap_loops_free(&loops);
    assert_int_equal(loops.count, 0);
}

/* The list has blocks of 1 KiB; partitions of loop devices are no loop devices of their own. */
static void without_sysfs_the_list_of_block_devices_tells(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_loops loops;

    fixture_text(fixture, "proc/partitions",
                 "major minor  #blocks  name\n\n   8        0    1048576 sda\n   7        0          0 loop0\n"
                 "   7        3       1024 loop3\n 259        7        512 loop3p1\n");
    assert_int_equal(snap_loops_read_at(fixture->dir, &loops, NULL), SNAP_OK);
    assert_int_equal(loops.count, 1);
    assert_string_equal(loops.loops[0].node, "/dev/loop3");
    assert_true(loops.loops[0].device.is_loop);
    assert_false(snap_loops_known(&loops.loops[0])); /* no node is opened below another root */
    snap_loops_free(&loops);
}

static void where_nobody_tells_it_is_said(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_loops loops;
    struct snap_error err;

    assert_int_equal(snap_loops_read_at(fixture->dir, &loops, &err), SNAP_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "neither /sys nor /proc"));
    snap_loops_free(&loops);
}

static void the_running_system_tells_what_a_loop_device_shows(void **state)
{
    struct fixture *fixture = *state;
    struct snap_loops loops;
    struct stat st;
    bool found = false;
    int fd = fixture_file(fixture, "image", 1 << 20);

    fixture_attach(fixture, 0, fixture_path(fixture, "image"), 0, 0, 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(snap_loops_read(&loops, NULL), SNAP_OK);
    for (size_t i = 0; i < loops.count; i++)
        if (strcmp(loops.loops[i].node, fixture->path[0]) == 0) {
            found = true;
            assert_true(snap_loops_known(&loops.loops[i]));
            assert_int_equal(loops.loops[i].device.backing_device, st.st_dev);
            assert_int_equal(loops.loops[i].device.backing_inode, st.st_ino);
        }
    assert_true(found);
    snap_loops_free(&loops);
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sysfs_lists_those_that_show_something, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(without_sysfs_the_list_of_block_devices_tells, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(where_nobody_tells_it_is_said, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(the_running_system_tells_what_a_loop_device_shows, fixture_setup,
                                        fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

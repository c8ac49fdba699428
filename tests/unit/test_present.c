/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A name at the end of a run: still the open file, another one, or nothing; and where the open one is by then. */
#include "config.h"

#include "lib/base/present.h"

#include "lib/base/new_file.h"
#include "tests/unit/folder_fixture.h"

#include <linux/major.h>
#include <sys/sysmacros.h>

static int opened(const char *name)
{
    const int fd = open(fixture_path(name), O_RDONLY | O_CLOEXEC);

    assert_true(fd >= 0);
    return fd;
}

static void expect(const char *path, int fd, const struct snap_folder *folder, enum snap_present_name name,
                   bool removed, const char *where)
{
    struct snap_present present;

    snap_present_look(&present, path, fd, folder);
    assert_int_equal(present.name, name);
    assert_int_equal(present.removed, removed);
    if (where)
        assert_string_equal(present.path, where);
    else
        assert_null(present.path);
    snap_present_free(&present);
    snap_present_free(&present);
}

static void a_file_that_stays(void **state)
{
    int fd;

    (void)state;
    fixture_put("file", "x");
    fd = opened("file");
    expect(fixture_path("file"), fd, NULL, SNAP_PRESENT_SAME, false, fixture_path("file"));
    assert_int_equal(symlink("file", fixture_path("link")), 0);
    expect(fixture_path("link"), fd, NULL, SNAP_PRESENT_SAME, false, fixture_path("link"));
    assert_int_equal(close(fd), 0);
}

static void a_file_that_moves_and_is_replaced(void **state)
{
    int fd;

    (void)state;
    fixture_put("file", "x");
    fd = opened("file");
    assert_int_equal(rename(fixture_path("file"), fixture_path("moved")), 0);
    expect(fixture_path("file"), fd, NULL, SNAP_PRESENT_NOTHING, false, fixture_path("moved"));
    fixture_put("file", "y");
    expect(fixture_path("file"), fd, NULL, SNAP_PRESENT_OTHER, false, fixture_path("moved"));
    assert_int_equal(rename(fixture_path("moved"), fixture_path("with (deleted)")), 0);
    expect(fixture_path("file"), fd, NULL, SNAP_PRESENT_OTHER, false, fixture_path("with (deleted)"));
    assert_int_equal(close(fd), 0);
}

/* What /proc says of a removed file could be the name of another one. */
static void a_file_that_is_removed(void **state)
{
    int fd;

    (void)state;
    fixture_put("file", "x");
    fd = opened("file");
    assert_int_equal(link(fixture_path("file"), fixture_path("second")), 0);
    assert_int_equal(unlink(fixture_path("file")), 0);
    expect(fixture_path("file"), fd, NULL, SNAP_PRESENT_NOTHING, false, NULL); /* the second name is not told */
    assert_int_equal(unlink(fixture_path("second")), 0);
    expect(fixture_path("file"), fd, NULL, SNAP_PRESENT_NOTHING, true, NULL);
    fixture_put("file (deleted)", "y");
    expect(fixture_path("file"), fd, NULL, SNAP_PRESENT_NOTHING, true, NULL);
    assert_int_equal(close(fd), 0);
}

static void what_cannot_be_told(void **state)
{
    char deep[400];
    int fd;

    (void)state;
    fixture_put("file", "x");
    fd = opened("file");
    (void)snprintf(deep, sizeof deep, "%s/x", fixture_path("file"));
    expect(deep, fd, NULL, SNAP_PRESENT_NOTHING, false, fixture_path("file"));
    assert_int_equal(symlink("loop", fixture_path("loop")), 0);
    expect(fixture_path("loop"), fd, NULL, SNAP_PRESENT_UNKNOWN, false, fixture_path("file"));
    assert_int_equal(close(fd), 0);
    expect(fixture_path("file"), -1, NULL, SNAP_PRESENT_UNKNOWN, false, NULL);
}

/* /proc calls such a file "#NUMBER (deleted)" for ever. */
static void a_file_that_was_made_without_a_name(void **state)
{
    struct snap_folder *folder;
    struct snap_new_file *made;
    char given[400], now[400], parent[400], parent_now[400];

    (void)state;
    (void)snprintf(parent, sizeof parent, "%s", fixture_path("in"));
    (void)snprintf(parent_now, sizeof parent_now, "%s", fixture_path("there"));
    (void)snprintf(given, sizeof given, "%s", fixture_path("in/new"));
    (void)snprintf(now, sizeof now, "%s", fixture_path("there/new"));
    assert_int_equal(mkdir(parent, 0700), 0);
    assert_int_equal(snap_folder_open(&folder, given, NULL), SNAP_OK);
    assert_int_equal(snap_new_file_make_nameless(&made, folder, NULL), SNAP_OK);
    assert_int_equal(rename(parent, parent_now), 0);
    assert_int_equal(snap_new_file_place(made, NULL, NULL), SNAP_OK);
    expect(given, made->fd, folder, SNAP_PRESENT_NOTHING, false, now);
    assert_int_equal(unlink(now), 0);
    expect(given, made->fd, folder, SNAP_PRESENT_NOTHING, true, NULL);
    fixture_put("there/new", "another");
    expect(given, made->fd, folder, SNAP_PRESENT_NOTHING, true, NULL);
    assert_int_equal(unlink(now), 0);
    assert_int_equal(snap_new_file_close(made, NULL), SNAP_OK);
    snap_folder_close(folder);
    assert_int_equal(rmdir(parent_now), 0);
}

static void expect_folder(const struct snap_folder *folder, enum snap_present_name name, const char *where)
{
    struct snap_present present;

    snap_present_look_folder(&present, folder);
    assert_int_equal(present.name, name);
    if (where)
        assert_string_equal(present.path, where);
    else
        assert_null(present.path);
    snap_present_free(&present);
}

static void a_folder_that_moves(void **state)
{
    struct snap_folder *folder;
    char given[400], now[400], parent[400], parent_now[400];

    (void)state;
    (void)snprintf(parent, sizeof parent, "%s", fixture_path("in"));
    (void)snprintf(parent_now, sizeof parent_now, "%s", fixture_path("there"));
    (void)snprintf(given, sizeof given, "%s", fixture_path("in/new"));
    (void)snprintf(now, sizeof now, "%s", fixture_path("there/new"));
    assert_int_equal(mkdir(parent, 0700), 0);
    assert_int_equal(snap_folder_open(&folder, given, NULL), SNAP_OK);
    expect_folder(folder, SNAP_PRESENT_SAME, given);
    assert_int_equal(rename(parent, parent_now), 0);
    expect_folder(folder, SNAP_PRESENT_NOTHING, now);
    assert_int_equal(mkdir(parent, 0700), 0);
    expect_folder(folder, SNAP_PRESENT_OTHER, now);
    assert_int_equal(rmdir(parent_now), 0);
    expect_folder(folder, SNAP_PRESENT_OTHER, NULL);
    assert_int_equal(rmdir(parent), 0);
    snap_folder_close(folder);
    assert_int_equal(snap_folder_open(&folder, "new", NULL), SNAP_OK);
    expect_folder(folder, SNAP_PRESENT_SAME, "new");
    snap_folder_close(folder);
    assert_int_equal(snap_folder_open(&folder, "/new", NULL), SNAP_OK);
    expect_folder(folder, SNAP_PRESENT_SAME, "/new");
    snap_folder_close(folder);
}

/* A node of the same device is as good; one of another device is not, whatever it is called. */
static void a_device_is_known_by_its_number(void **state)
{
    const dev_t number = makedev(LOOP_MAJOR, 0), other = makedev(LOOP_MAJOR, 1);
    int fd;

    (void)state;
    if (mknod(fixture_path("node"), S_IFBLK | 0600, number) != 0)
        skip();
    fd = open(fixture_path("node"), O_PATH | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(rename(fixture_path("node"), fixture_path("moved")), 0);
    expect(fixture_path("node"), fd, NULL, SNAP_PRESENT_NOTHING, false, fixture_path("moved"));
    assert_int_equal(mknod(fixture_path("node"), S_IFBLK | 0600, other), 0);
    expect(fixture_path("node"), fd, NULL, SNAP_PRESENT_OTHER, false, fixture_path("moved"));
    assert_int_equal(unlink(fixture_path("node")), 0);
    assert_int_equal(mknod(fixture_path("node"), S_IFBLK | 0600, number), 0);
    expect(fixture_path("node"), fd, NULL, SNAP_PRESENT_SAME, false, fixture_path("node"));
    assert_int_equal(unlink(fixture_path("node")), 0);
    fixture_put("node", "a file");
    expect(fixture_path("node"), fd, NULL, SNAP_PRESENT_OTHER, false, fixture_path("moved"));
    assert_int_equal(close(fd), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_file_that_stays, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_file_that_moves_and_is_replaced, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_file_that_is_removed, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(what_cannot_be_told, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_file_that_was_made_without_a_name, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_folder_that_moves, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_device_is_known_by_its_number, fixture_make, fixture_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

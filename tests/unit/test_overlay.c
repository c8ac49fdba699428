/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests the other names of a file on an overlay file system, with mount tables as the kernel writes them. */
#include "lib/device/overlay.h"

#include "tests/unit/loop_fixture.h"

#include <sched.h>
#include <sys/mount.h>

/* A mount table with an overlay over `merged` below the fixture; `options` are those behind the lower layer. */
static const char *write_table(const struct fixture *fixture, const char *root, const char *options)
{
    char text[2048];

    (void)snprintf(text, sizeof text,
                   "20 1 8:1 / / rw - ext4 /dev/sda1 rw\n"
                   "65 20 0:39 %s %s/merged rw,relatime - overlay overlay rw,lowerdir=/lower%s\n",
                   root, fixture->dir, options);
    fixture_text(fixture, "mountinfo", text);
    return fixture_path(fixture, "mountinfo");
}

static void find(const struct fixture *fixture, const char *table, const char *name, int mount_id,
                 struct snap_overlay_names *names)
{
    char path[256];

    (void)snprintf(path, sizeof path, "%s/%s", fixture->dir, name);
    assert_int_equal(snap_overlay_find_in(table, path, mount_id, names, NULL), SNAP_OK);
}

static void expect_one(const struct fixture *fixture, struct snap_overlay_names *names, const char *name)
{
    assert_int_equal(names->count, 1);
    assert_string_equal(names->names[0].path, fixture_path(fixture, name));
    assert_false(names->hidden);
    snap_overlay_free(names);
}

static void a_merged_file_has_a_name_in_the_upper_layer(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_overlay_names names;
    char options[256];

    (void)snprintf(options, sizeof options, ",upperdir=%s/up\\040per,workdir=/work", fixture->dir);
    fixture_text(fixture, "up per/folder/image", "x");
    fixture_text(fixture, "merged/folder/image", "x");
    find(fixture, write_table(fixture, "/", options), "merged/folder/image", 65, &names);
    expect_one(fixture, &names, "up per/folder/image");
    find(fixture, write_table(fixture, "/", options), "merged/folder/image", -1, &names); /* by the mount point */
    expect_one(fixture, &names, "up per/folder/image");
}

static void a_file_of_the_upper_layer_has_a_merged_name(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_overlay_names names;
    char options[256];

    (void)snprintf(options, sizeof options, ",upperdir=%s/upper,workdir=/work", fixture->dir);
    fixture_text(fixture, "upper/folder/image", "x");
    fixture_text(fixture, "merged/folder/image", "x");
    fixture_text(fixture, "merged/image", "x");
    find(fixture, write_table(fixture, "/", options), "upper/folder/image", 20, &names);
    expect_one(fixture, &names, "merged/folder/image");
    find(fixture, write_table(fixture, "/folder", options), "upper/folder/image", 20, &names); /* a part is mounted */
    expect_one(fixture, &names, "merged/image");
}

static void a_file_elsewhere_has_no_other_name(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_overlay_names names;
    char options[256];

    (void)snprintf(options, sizeof options, ",upperdir=%s/upper,workdir=/work", fixture->dir);
    fixture_text(fixture, "upper-not/image", "x");
    fixture_text(fixture, "merged/image", "x");
    find(fixture, write_table(fixture, "/", options), "upper-not/image", 20, &names);
    assert_int_equal(names.count, 0);
    assert_false(names.hidden);
    snap_overlay_free(&names);
}

/* In a container the layers are folders of the host; and an overlay may have lower layers only. */
static void layers_that_cannot_be_seen_are_said(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_overlay_names names;

    fixture_text(fixture, "merged/image", "x");
    find(fixture, write_table(fixture, "/", ",upperdir=/nowhere/upper,workdir=/work"), "merged/image", 65, &names);
    assert_int_equal(names.count, 0);
    assert_true(names.hidden);
    snap_overlay_free(&names);
    find(fixture, write_table(fixture, "/", ""), "merged/image", 65, &names);
    assert_true(names.hidden);
    snap_overlay_free(&names);
}

static void an_open_file_is_found_by_its_descriptor(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_overlay_names names;
    int fd = fixture_file(fixture, "image", 10);

    assert_int_equal(snap_overlay_find(fd, &names, NULL), SNAP_OK);
    assert_int_equal(names.count, 0);
    snap_overlay_free(&names);
    assert_int_equal(close(fd), 0);
}

/* The overlay below the fixture, with layers that the mount table has without their folder; false: none can be had. */
static bool mount_with_relative_layers(const struct fixture *fixture)
{
    fixture_text(fixture, "lower/below", "x");
    fixture_text(fixture, "upper/folder/image", "xy");
    fixture_text(fixture, "upper/folder/other", "xy");
    (void)fixture_path(fixture, "work/x");
    (void)fixture_path(fixture, "merged/x");
    return unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           chdir(fixture->dir) == 0 &&
           mount("overlay", "merged", "overlay", 0, "lowerdir=lower,upperdir=upper,workdir=work") == 0;
}

static void a_merged_name_is_found_by_what_stat_tells(void **state)
{
    const struct fixture *fixture = *state;
    struct snap_overlay_names names;
    struct stat st;
    int fd, other;

    if (!mount_with_relative_layers(fixture))
        skip();
    fd = open("upper/folder/image", O_RDWR | O_CLOEXEC);
    other = open("merged/folder/image", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0 && other >= 0);
    assert_int_equal(snap_overlay_find(fd, &names, NULL), SNAP_OK);
    assert_true(names.count == 1 && names.names[0].perhaps_lower);
    expect_one(fixture, &names, "merged/folder/image");
    assert_true(snap_overlay_shows_same(fd, "merged/folder/image"));
    assert_true(snap_overlay_shows_same(other, "upper/folder/image"));
    assert_false(snap_overlay_shows_same(fd, "upper/folder/image")); /* one inode */
    assert_false(snap_overlay_shows_same(other, "merged/folder/image"));
    assert_false(snap_overlay_shows_same(fd, "merged/below"));
    assert_false(snap_overlay_shows_same(fd, "merged/missing"));
    assert_int_equal(pwrite(fd, "ab", 2, 0), 2); /* the times change, for both names */
    assert_true(snap_overlay_shows_same(fd, "merged/folder/image"));
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(usleep(20000), 0); /* longer than a tick of the kernel's clock */
    assert_int_equal(utimensat(AT_FDCWD, "upper/folder/other", (struct timespec[]){st.st_atim, st.st_mtim}, 0), 0);
    assert_false(snap_overlay_shows_same(fd, "merged/folder/other")); /* nobody can set the time of the last change */
    assert_int_equal(close(fd), 0);
    assert_int_equal(close(other), 0);
    assert_int_equal(umount("merged"), 0);
    assert_int_equal(chdir("/"), 0);
}

/* Their times are the same: as a rule at once, since the kernel's clock for files has coarse steps. */
static bool change_at_once(const char *a, const char *b)
{
    static const struct timespec times[] = {{.tv_sec = 1}, {.tv_sec = 1}};
    struct stat first, second;

    for (unsigned i = 0; i < 1000; i++) {
        if (utimensat(AT_FDCWD, a, times, 0) != 0 || utimensat(AT_FDCWD, b, times, 0) != 0 || stat(a, &first) != 0 ||
            stat(b, &second) != 0)
            return false;
        if (first.st_ctim.tv_sec == second.st_ctim.tv_sec && first.st_ctim.tv_nsec == second.st_ctim.tv_nsec)
            return true;
    }
    return false;
}

static void two_files_of_one_file_system_are_apart(void **state)
{
    const struct fixture *fixture = *state;
    int fd;

    if (!mount_with_relative_layers(fixture) ||
        !change_at_once("merged/folder/image", "merged/folder/other"))
        skip();
    fd = open("merged/folder/image", O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_false(snap_overlay_shows_same(fd, "merged/folder/other"));
    assert_true(snap_overlay_shows_same(fd, "upper/folder/image"));
    assert_int_equal(close(fd), 0);
    assert_int_equal(umount("merged"), 0);
    assert_int_equal(chdir("/"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_merged_file_has_a_name_in_the_upper_layer, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_file_of_the_upper_layer_has_a_merged_name, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_file_elsewhere_has_no_other_name, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(layers_that_cannot_be_seen_are_said, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(an_open_file_is_found_by_its_descriptor, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_merged_name_is_found_by_what_stat_tells, fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(two_files_of_one_file_system_are_apart, fixture_setup, fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

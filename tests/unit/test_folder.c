/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder is opened once; two names are compared as files, not as text; a name is made durable. */
#include "lib/base/folder.h"

#include "tests/unit/folder_fixture.h"

static struct snap_folder *opened(const char *path)
{
    struct snap_folder *folder;
    struct snap_error err = {0};

    if (snap_folder_open(&folder, path, &err) != SNAP_OK)
        fail_msg("%s", err.text);
    return folder;
}

static void a_name_is_split_from_its_folder(void **state)
{
    static const char *const folders[] = {"x/", "/", "", ".", "..", "x/.", "x/.."};
    struct snap_folder *folder;
    struct snap_error err = {0};
    char longest[300];

    (void)state;
    folder = opened(fixture_path("file"));
    assert_string_equal(folder->name, "file");
    assert_string_equal(folder->path, fixture_path("file"));
    assert_true(folder->readable);
    snap_folder_close(folder);
    folder = opened("file");
    assert_string_equal(folder->name, "file");
    snap_folder_close(folder);
    folder = opened("/file");
    assert_string_equal(folder->name, "file");
    snap_folder_close(folder);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++)
        assert_int_equal(snap_folder_open(&folder, folders[i], &err), SNAP_E_USAGE);
    assert_null(folder);
    assert_int_equal(snap_folder_open(&folder, "/no/such/folder/file", &err), SNAP_E_NOENT);
    memset(longest, 'x', sizeof longest);
    longest[256] = '\0';
    assert_int_equal(snap_folder_open(&folder, longest, &err), SNAP_E_USAGE);
    longest[255] = '\0';
    snap_folder_close(opened(longest));
    snap_folder_close(NULL);
}

static void what_has_the_name_is_seen_and_not_followed(void **state)
{
    struct snap_folder *folder = opened(fixture_path("name"));
    struct snap_folder_entry entry;

    (void)state;
    assert_int_equal(snap_folder_look(folder, "name", &entry, NULL), SNAP_OK);
    assert_false(entry.exists);
    assert_int_equal(symlink("nothing", fixture_path("name")), 0);
    assert_int_equal(snap_folder_look(folder, "name", &entry, NULL), SNAP_OK);
    assert_true(entry.exists && S_ISLNK(entry.mode));
    snap_folder_close(folder);
}

/* The same file by another way; another file of the same name. */
static void names_are_compared_as_files(void **state)
{
    struct snap_folder *folder = opened(fixture_path("file")), *other;
    char way[200];

    (void)state;
    (void)snprintf(way, sizeof way, "%s/./file", fixture_folder);
    other = opened(way);
    assert_true(snap_folder_same(folder, other)); /* neither is there */
    snap_folder_close(other);
    (void)snprintf(way, sizeof way, "%s.link", fixture_folder);
    assert_int_equal(symlink(fixture_folder, way), 0);
    (void)snprintf(way, sizeof way, "%s.link/file", fixture_folder);
    other = opened(way);
    assert_true(snap_folder_same(folder, other));
    snap_folder_close(other);
    (void)snprintf(way, sizeof way, "%s.link", fixture_folder);
    assert_int_equal(unlink(way), 0);

    other = opened(fixture_path("hard"));
    assert_false(snap_folder_same(folder, other));
    fixture_put("file", "content");
    assert_false(snap_folder_same(folder, other));
    assert_int_equal(link(fixture_path("file"), fixture_path("hard")), 0);
    assert_true(snap_folder_same(folder, other));
    snap_folder_close(other);
    other = opened("/file");
    assert_false(snap_folder_same(folder, other));
    snap_folder_close(other);
    snap_folder_close(folder);
}

/* For a user whom permissions bind: all of the file system is flushed instead. */
static void a_folder_that_cannot_be_read_is_flushed_all_the_same(void **state)
{
    const bool root = geteuid() == 0;
    struct snap_folder *folder;
    int fd;

    (void)state;
    fixture_put("file", "content");
    fd = open(fixture_path("file"), O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    folder = opened(fixture_path("file"));
    assert_int_equal(snap_folder_flush(folder, fd, NULL), SNAP_OK);
    snap_folder_close(folder);
    assert_int_equal(chmod(fixture_folder, root ? 0711 : 0300), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    folder = opened(fixture_path("file"));
    if (root)
        assert_int_equal(seteuid(0), 0);
    assert_false(folder->readable);
    assert_int_equal(snap_folder_flush(folder, fd, NULL), SNAP_OK);
    assert_int_equal(close(fd), 0);
    snap_folder_close(folder);
}

static void a_failed_flush_says_that_the_file_is_there(void **state)
{
    struct snap_folder *folder = opened(fixture_path("file"));
    struct snap_folder broken = *folder;
    struct snap_error err = {0};

    (void)state;
    broken.fd = -1;
    assert_int_equal(snap_folder_flush(&broken, -1, &err), SNAP_E_IO);
    assert_non_null(strstr(err.text, "is there with its content, but its name may not survive a power failure"));
    snap_folder_close(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_name_is_split_from_its_folder, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(what_has_the_name_is_seen_and_not_followed, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(names_are_compared_as_files, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_read_is_flushed_all_the_same, fixture_make,
                                        fixture_remove),
        cmocka_unit_test_setup_teardown(a_failed_flush_says_that_the_file_is_there, fixture_make, fixture_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

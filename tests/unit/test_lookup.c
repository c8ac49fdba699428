/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What was looked up is what is opened, whatever has the name by then; and nothing waits for a pipe. */
#include "lib/base/lookup.h"

#include "tests/unit/folder_fixture.h"

#include <errno.h>

static void the_facts_are_those_of_the_file(void **state)
{
    struct snap_lookup *found;
    struct stat seen;
    struct snap_error err = {0};

    (void)state;
    fixture_put("file", "content");
    assert_int_equal(symlink("file", fixture_path("link")), 0);
    assert_int_equal(snap_lookup_new(&found, fixture_path("link"), &err), SNAP_OK);
    assert_int_equal(stat(fixture_path("file"), &seen), 0);
    assert_int_equal(found->device, seen.st_dev);
    assert_int_equal(found->inode, seen.st_ino);
    assert_int_equal(found->size_bytes, 7);
    assert_string_equal(found->path, fixture_path("link"));
    snap_lookup_free(found);
    assert_int_equal(snap_lookup_new(&found, fixture_path("none"), &err), SNAP_E_NOENT);
    assert_null(found);
    snap_lookup_free(NULL);
}

static void another_file_under_the_name_is_not_opened(void **state)
{
    struct snap_lookup *found;
    char text[8] = "";
    int fd;

    (void)state;
    fixture_put("file", "first");
    assert_int_equal(snap_lookup_new(&found, fixture_path("file"), NULL), SNAP_OK);
    assert_int_equal(unlink(fixture_path("file")), 0);
    fixture_put("file", "second");
    fd = snap_lookup_reopen(found, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(read(fd, text, sizeof text), 5);
    assert_string_equal(text, "first");
    assert_int_equal(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    assert_int_equal(close(fd), 0);
    snap_lookup_free(found);
}

/* As without /proc: the facts are compared. */
static void facts_that_do_not_fit_refuse(void **state)
{
    struct snap_lookup *found, other;

    (void)state;
    fixture_put("file", "first");
    assert_int_equal(snap_lookup_new(&found, fixture_path("file"), NULL), SNAP_OK);
    for (int i = 0; i < 4; i++) {
        other = *found;
        other.device += i == 0;
        other.inode += i == 1;
        other.number += i == 2;
        other.mode = i == 3 ? S_IFBLK | 0600 : other.mode;
        assert_int_equal(snap_lookup_reopen(&other, O_RDONLY), -ESTALE);
    }
    snap_lookup_free(found);
}

static void a_pipe_does_not_hold_up(void **state)
{
    struct snap_lookup *found;
    int fd;

    (void)state;
    assert_int_equal(mkfifo(fixture_path("pipe"), 0600), 0);
    (void)alarm(20);
    assert_int_equal(snap_lookup_new(&found, fixture_path("pipe"), NULL), SNAP_OK);
    assert_true(S_ISFIFO(found->mode));
    fd = snap_lookup_reopen(found, O_RDONLY);
    assert_true(fd >= 0);
    assert_int_equal(close(fd), 0);
    (void)alarm(0);
    snap_lookup_free(found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_facts_are_those_of_the_file, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(another_file_under_the_name_is_not_opened, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(facts_that_do_not_fit_refuse, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_pipe_does_not_hold_up, fixture_make, fixture_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small text file is replaced as a whole; a file that is something else is never replaced, nor read in full. */
#include "lib/base/replace.h"

#include "lib/base/present.h"
#include "tests/unit/folder_fixture.h"

#define FIRST_LINE "# mine\n"
#define BYTES_MAX 100

static enum snap_status look(struct snap_replace **file, struct snap_error *err)
{
    return snap_replace_open(file, fixture_path("name"), FIRST_LINE, BYTES_MAX, err);
}

static void what_is_there_is_told_and_replaced(void **state)
{
    struct snap_replace *file;
    struct snap_error err = {0};

    (void)state;
    assert_int_equal(look(&file, &err), SNAP_OK);
    assert_null(file->text);
    assert_false(file->written);
    assert_int_equal(snap_replace_write(file, FIRST_LINE "one\n", &err), SNAP_OK);
    assert_true(file->written);
    assert_string_equal(fixture_get("name"), FIRST_LINE "one\n");
    assert_int_equal(snap_replace_write(file, FIRST_LINE "two\n", &err), SNAP_OK);
    snap_replace_close(file);
    assert_int_equal(look(&file, &err), SNAP_OK);
    assert_string_equal(file->text, FIRST_LINE "two\n");
    assert_int_equal(file->text_bytes, strlen(FIRST_LINE "two\n"));
    snap_replace_close(file);
    fixture_put("name", "");
    assert_int_equal(look(&file, &err), SNAP_OK);
    assert_string_equal(file->text, "");
    snap_replace_close(file);
    snap_replace_close(NULL);
    assert_int_equal(fixture_names(false), 1);
}

/* /proc has no name for a file that was made without one; the one that is kept was opened by its name. */
static void what_was_written_is_found_when_it_moves(void **state)
{
    struct snap_replace *file;
    struct snap_present present;
    struct snap_error err = {0};

    (void)state;
    assert_int_equal(look(&file, &err), SNAP_OK);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(snap_replace_write(file, FIRST_LINE, &err), SNAP_OK);
        assert_int_equal(rename(fixture_path("name"), fixture_path("moved")), 0);
        snap_present_look(&present, fixture_path("name"), file->old_fd, NULL);
        assert_int_equal(present.name, SNAP_PRESENT_NOTHING);
        assert_string_equal(present.path, fixture_path("moved"));
        snap_present_free(&present);
        assert_int_equal(rename(fixture_path("moved"), fixture_path("name")), 0);
    }
    snap_replace_close(file);
}

static void something_else_is_refused(void **state)
{
    static const char *const others[] = {"# mine", "# mine too\n", "x", "\n" FIRST_LINE};
    struct snap_replace *file;
    struct snap_error err = {0};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        fixture_put("name", others[i]);
        assert_int_equal(look(&file, &err), SNAP_E_REFUSED);
        assert_null(file);
        assert_non_null(strstr(err.text, "holds something else"));
    }
    assert_int_equal(unlink(fixture_path("name")), 0);
    assert_int_equal(symlink("nowhere", fixture_path("name")), 0);
    assert_int_equal(look(&file, &err), SNAP_E_REFUSED);
    assert_non_null(strstr(err.text, "is a symbolic link"));
    assert_int_equal(unlink(fixture_path("name")), 0);
    assert_int_equal(mkfifo(fixture_path("name"), 0600), 0);
    assert_int_equal(look(&file, &err), SNAP_E_REFUSED);
    assert_non_null(strstr(err.text, "is no regular file"));
}

/* The limit from both sides; a file with holes takes no memory for them. */
static void too_much_is_not_read(void **state)
{
    struct snap_replace *file;
    struct snap_error err = {0};

    (void)state;
    fixture_put("name", FIRST_LINE);
    assert_int_equal(truncate(fixture_path("name"), BYTES_MAX), 0);
    assert_int_equal(look(&file, &err), SNAP_OK);
    assert_int_equal(file->text_bytes, BYTES_MAX);
    snap_replace_close(file);
    assert_int_equal(truncate(fixture_path("name"), BYTES_MAX + 1), 0);
    assert_int_equal(look(&file, &err), SNAP_E_REFUSED);
    assert_non_null(strstr(err.text, "has 101 bytes, and more than 100 are not read"));
}

static void a_file_that_came_meanwhile_is_not_replaced(void **state)
{
    struct snap_replace *file;
    struct snap_error err = {0};

    (void)state;
    assert_int_equal(look(&file, &err), SNAP_OK);
    fixture_put("name", "another's");
    assert_int_equal(snap_replace_write(file, FIRST_LINE, &err), SNAP_E_REFUSED);
    assert_false(file->written);
    assert_string_equal(fixture_get("name"), "another's");
    assert_int_equal(unlink(fixture_path("name")), 0);
    assert_int_equal(snap_replace_write(file, FIRST_LINE, &err), SNAP_OK);
    fixture_put("other", FIRST_LINE "another's\n");
    assert_int_equal(rename(fixture_path("other"), fixture_path("name")), 0);
    assert_int_equal(snap_replace_write(file, FIRST_LINE, &err), SNAP_E_REFUSED);
    assert_string_equal(fixture_get("name"), FIRST_LINE "another's\n");
    snap_replace_close(file);
    assert_int_equal(fixture_names(false), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_there_is_told_and_replaced, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(what_was_written_is_found_when_it_moves, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(something_else_is_refused, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(too_much_is_not_read, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(a_file_that_came_meanwhile_is_not_replaced, fixture_make, fixture_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

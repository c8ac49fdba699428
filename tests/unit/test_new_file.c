/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new file gets its name whole or not at all, and nothing that somebody else made is replaced or removed. */
#include "lib/base/new_file.h"

#include "tests/unit/folder_fixture.h"

static struct snap_folder *folder;

static int make(void **state)
{
    return fixture_make(state) == 0 && snap_folder_open(&folder, fixture_path("name"), NULL) == SNAP_OK ? 0 : -1;
}

static int clear(void **state)
{
    snap_folder_close(folder);
    return fixture_remove(state);
}

static struct snap_new_file *made(const char *suffix)
{
    struct snap_new_file *file;
    struct snap_error err = {0};
    const enum snap_status status = suffix ? snap_new_file_make(&file, folder, suffix, &err)
                                           : snap_new_file_make_nameless(&file, folder, &err);

    if (status != SNAP_OK)
        fail_msg("%s", err.text);
    assert_int_equal(write(file->fd, "new", 3), 3);
    return file;
}

static void a_nameless_file_gets_its_name_when_it_is_placed(void **state)
{
    struct snap_new_file *file = made(NULL);
    struct snap_error err = {0};
    struct stat seen;

    (void)state;
    assert_int_equal(access(fixture_path("name"), F_OK), -1);
    assert_int_equal(snap_new_file_place(file, NULL, &err), SNAP_OK);
    assert_true(file->placed && snap_new_file_is_there(file));
    assert_int_equal(snap_new_file_close(file, &err), SNAP_OK);
    assert_string_equal(fixture_get("name"), "new");
    assert_int_equal(stat(fixture_path("name"), &seen), 0);
    assert_int_equal(seen.st_mode & 0777, 0600);
    assert_int_equal(fixture_names(false), 1);
}

static void a_nameless_file_that_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    assert_int_equal(snap_new_file_close(made(NULL), NULL), SNAP_OK);
    assert_int_equal(fixture_names(false), 0);
    assert_int_equal(snap_new_file_close(NULL, NULL), SNAP_OK);
}

/* As on a file system that knows no files without a name. */
static void a_random_name_is_gone_afterwards(void **state)
{
    struct snap_new_file *file = made(".random");

    (void)state;
    file->temporary = true;
    assert_int_equal(snap_new_file_place(file, NULL, NULL), SNAP_OK);
    assert_int_equal(snap_new_file_close(file, NULL), SNAP_OK);
    assert_string_equal(fixture_get("name"), "new");
    assert_int_equal(fixture_names(false), 1);
    file = made(".random");
    file->temporary = true;
    assert_int_equal(snap_new_file_close(file, NULL), SNAP_OK);
    assert_int_equal(fixture_names(false), 1);
}

static void a_name_that_is_taken_is_refused_and_left_alone(void **state)
{
    struct snap_new_file *file, *other;
    struct snap_error err = {0};

    (void)state;
    fixture_put("name", "old");
    assert_int_equal(symlink("nowhere", fixture_path("name.partial")), 0);
    assert_int_equal(snap_new_file_make(&file, folder, "", &err), SNAP_E_REFUSED);
    assert_null(file);
    assert_int_equal(snap_new_file_make(&file, folder, ".partial", &err), SNAP_E_REFUSED);
    assert_non_null(strstr(err.text, "name.partial: exists already"));
    file = made(NULL);
    other = made(".other");
    assert_int_equal(snap_new_file_place(file, NULL, &err), SNAP_E_REFUSED);
    assert_int_equal(snap_new_file_place(other, NULL, &err), SNAP_E_REFUSED);
    assert_false(file->placed || other->placed);
    assert_int_equal(snap_new_file_remove(other, &err), SNAP_OK);
    assert_int_equal(snap_new_file_close(file, &err), SNAP_OK);
    assert_int_equal(snap_new_file_close(other, &err), SNAP_OK);
    assert_string_equal(fixture_get("name"), "old");
    assert_int_equal(fixture_names(false), 2);
}

static void the_file_that_was_seen_is_replaced_and_no_other(void **state)
{
    struct snap_new_file *file;
    struct snap_folder_entry old;
    struct snap_error err = {0};
    int fd;

    (void)state;
    fixture_put("name", "old");
    assert_int_equal(snap_folder_look(folder, "name", &old, NULL), SNAP_OK);
    fd = open(fixture_path("name"), O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    file = made(NULL);
    assert_int_equal(snap_new_file_place(file, &old, &err), SNAP_OK);
    assert_int_equal(snap_new_file_close(file, NULL), SNAP_OK);
    assert_string_equal(fixture_get("name"), "new");
    fixture_put("other", "other");
    assert_int_equal(rename(fixture_path("other"), fixture_path("name")), 0);
    file = made(NULL);
    assert_int_equal(snap_new_file_place(file, &old, &err), SNAP_E_REFUSED);
    assert_non_null(strstr(err.text, "is not the file that was there before"));
    assert_int_equal(snap_new_file_close(file, NULL), SNAP_OK);
    assert_string_equal(fixture_get("name"), "other");
    assert_int_equal(unlink(fixture_path("name")), 0); /* nothing is there to be replaced */
    file = made(NULL);
    assert_int_equal(snap_new_file_place(file, &old, &err), SNAP_OK);
    assert_int_equal(snap_new_file_close(file, NULL), SNAP_OK);
    assert_int_equal(fixture_names(false), 1);
    assert_int_equal(close(fd), 0);
}

/* Whoever owns the folder exchanges the file: it is neither named, nor removed, nor written to. */
static void an_exchanged_file_is_found_out(void **state)
{
    static const char *const suffixes[] = {"", ".partial"};
    struct snap_error err = {0};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct snap_new_file *file = made(suffixes[i]);
        char name[20];

        (void)snprintf(name, sizeof name, "name%s", suffixes[i]);
        fixture_put("victim", "victim");
        assert_int_equal(rename(fixture_path("victim"), fixture_path(name)), 0);
        assert_int_equal(write(file->fd, "more", 4), 4);
        assert_false(snap_new_file_is_there(file));
        assert_int_equal(snap_new_file_place(file, NULL, &err), SNAP_E_REFUSED);
        assert_non_null(strstr(err.text, "somebody has removed or replaced"));
        assert_int_equal(snap_new_file_remove(file, &err), SNAP_E_REFUSED);
        assert_int_equal(snap_new_file_close(file, NULL), SNAP_OK);
        assert_string_equal(fixture_get(name), "victim");
        assert_int_equal(fixture_names(false), 1);
        assert_int_equal(unlink(fixture_path(name)), 0);
    }
}

static void the_descriptor_is_opened_again_whatever_has_the_name(void **state)
{
    struct snap_new_file *file = made("");
    struct snap_lookup lookup;
    char text[8] = "";
    int fd;

    (void)state;
    assert_int_equal(unlink(fixture_path("name")), 0);
    fixture_put("name", "victim");
    lookup = snap_new_file_lookup(file);
    fd = snap_lookup_reopen(&lookup, O_RDWR);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, text, sizeof text, 0), 3);
    assert_string_equal(text, "new");
    assert_int_equal(close(fd), 0);
    assert_int_equal(snap_new_file_close(file, NULL), SNAP_OK);
}

static void long_names(void **state)
{
    struct snap_folder *longest;
    struct snap_new_file *file;
    struct snap_error err = {0};
    char name[256];

    (void)state;
    memset(name, 'x', sizeof name);
    name[255] = '\0';
    assert_int_equal(snap_folder_open(&longest, fixture_path(name), NULL), SNAP_OK);
    assert_int_equal(snap_new_file_make(&file, longest, ".partial", &err), SNAP_E_USAGE);
    for (int i = 0; i < 2; i++) { /* new, and over the old one by a random name */
        struct snap_folder_entry old;

        assert_int_equal(snap_folder_look(longest, name, &old, NULL), SNAP_OK);
        assert_int_equal(snap_new_file_make_nameless(&file, longest, &err), SNAP_OK);
        assert_int_equal(snap_new_file_place(file, &old, &err), SNAP_OK);
        assert_int_equal(snap_new_file_close(file, &err), SNAP_OK);
    }
    assert_int_equal(fixture_names(false), 1);
    snap_folder_close(longest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_nameless_file_gets_its_name_when_it_is_placed, make, clear),
        cmocka_unit_test_setup_teardown(a_nameless_file_that_is_given_up_leaves_nothing, make, clear),
        cmocka_unit_test_setup_teardown(a_random_name_is_gone_afterwards, make, clear),
        cmocka_unit_test_setup_teardown(a_name_that_is_taken_is_refused_and_left_alone, make, clear),
        cmocka_unit_test_setup_teardown(the_file_that_was_seen_is_replaced_and_no_other, make, clear),
        cmocka_unit_test_setup_teardown(an_exchanged_file_is_found_out, make, clear),
        cmocka_unit_test_setup_teardown(the_descriptor_is_opened_again_whatever_has_the_name, make, clear),
        cmocka_unit_test_setup_teardown(long_names, make, clear),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

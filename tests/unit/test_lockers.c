/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that the process that locks a file is named, whatever it calls itself, and nobody else. */
#include "lib/device/lockers.h"

#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/wait.h>

enum locking { LOCKS_POSIX, LOCKS_OPEN_FILE, LOCKS_FLOCK, LOCKS_NOTHING };

static const char *new_image(void)
{
    fixture_put("image", "x");
    return fixture_path("image");
}

static void lock(int fd, enum locking how)
{
    struct flock record = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int result = 0;

    if (how == LOCKS_POSIX)
        result = fcntl(fd, F_SETLK, &record);
    else if (how == LOCKS_OPEN_FILE)
        result = fcntl(fd, F_OFD_SETLK, &record);
    else if (how == LOCKS_FLOCK)
        result = flock(fd, LOCK_EX | LOCK_NB);
    if (result != 0)
        _exit(1);
}

/* A process of this name that has the file open, locked or not, until it is ended. */
static pid_t process_new(const char *path, enum locking how, const char *name)
{
    int ready[2];
    char byte;
    pid_t process;

    assert_int_equal(pipe(ready), 0);
    process = fork();
    assert_true(process >= 0);
    if (process == 0) {
        int fd = open(path, O_RDWR);

        if (fd < 0 || prctl(PR_SET_NAME, name, 0, 0, 0) != 0)
            _exit(1);
        lock(fd, how);
        if (write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(close(ready[1]), 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(close(ready[0]), 0);
    return process;
}

static void process_end(pid_t process)
{
    int status;

    assert_int_equal(kill(process, SIGKILL), 0);
    assert_int_equal(waitpid(process, &status, 0), process);
}

static void find(const char *path, char text[SNAP_LOCKERS_BYTES])
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    snap_lockers_of_file(st.st_dev, st.st_ino, text, SNAP_LOCKERS_BYTES);
}

static void expect_one(const char *path, enum locking how, const char *name, const char *shown)
{
    const pid_t process = process_new(path, how, name);
    char text[SNAP_LOCKERS_BYTES], expected[SNAP_LOCKERS_BYTES] = "";

    if (shown)
        (void)snprintf(expected, sizeof expected, "locked by process %ld (%s)", (long)process, shown);
    find(path, text);
    process_end(process);
    assert_string_equal(text, expected);
    find(path, text);
    assert_string_equal(text, "");
}

static void who_locks_a_file_is_named(void **state)
{
    const char *path = new_image();

    (void)state;
    expect_one(path, LOCKS_POSIX, "editor", "editor");
    expect_one(path, LOCKS_OPEN_FILE, "qemu-nbd", "qemu-nbd");
}

static void who_is_not_in_the_way_is_not(void **state)
{
    const char *path = new_image();

    (void)state;
    expect_one(path, LOCKS_FLOCK, "flock", NULL);
    expect_one(path, LOCKS_NOTHING, "reader", NULL);
}

static void locks_of_flock_are_found_where_they_are_asked_for(void **state)
{
    static const enum locking all[] = {LOCKS_FLOCK, LOCKS_POSIX, LOCKS_OPEN_FILE, LOCKS_NOTHING};
    const char *path = new_image();
    struct stat st;

    (void)state;
    assert_int_equal(stat(path, &st), 0);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const pid_t process = process_new(path, all[i], "lvm");
        char text[SNAP_LOCKERS_BYTES], expected[SNAP_LOCKERS_BYTES] = "";

        snap_lockers_by_flock(st.st_dev, st.st_ino, text, sizeof text);
        if (all[i] == LOCKS_FLOCK)
            (void)snprintf(expected, sizeof expected, "locked by process %ld (lvm)", (long)process);
        process_end(process);
        assert_string_equal(text, expected);
    }
}

static void who_locks_another_file_is_not(void **state)
{
    char text[SNAP_LOCKERS_BYTES];
    pid_t process;

    (void)state;
    (void)new_image();
    fixture_put("other", "x");
    process = process_new(fixture_path("other"), LOCKS_POSIX, "other");
    find(fixture_path("image"), text);
    process_end(process);
    assert_string_equal(text, "");
}

static void a_name_cannot_be_taken_for_what_stands_around_it(void **state)
{
    const char *path = new_image();

    (void)state;
    expect_one(path, LOCKS_POSIX, "x), root (y", "\"x), root (y\"");
    expect_one(path, LOCKS_POSIX, "a\"b\\c", "\"a\\\"b\\\\c\"");
    expect_one(path, LOCKS_POSIX, "two words", "\"two words\"");
}

static void our_own_locks_are_not_told(void **state)
{
    const char *path = new_image();
    const int fd = open(path, O_RDWR | O_CLOEXEC);
    char text[SNAP_LOCKERS_BYTES];

    (void)state;
    lock(fd, LOCKS_POSIX);
    find(path, text);
    assert_string_equal(text, "");
    assert_int_equal(close(fd), 0);
}

/* Readers may be many. */
static void three_are_named_and_the_others_are_said(void **state)
{
    const char *path = new_image();
    char text[SNAP_LOCKERS_BYTES];
    pid_t processes[5];

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        const struct flock shared = {.l_type = F_RDLCK, .l_whence = SEEK_SET};

        processes[i] = fork();
        if (processes[i] == 0) {
            int fd = open(path, O_RDONLY);

            if (fd < 0 || fcntl(fd, F_SETLK, &shared) != 0)
                _exit(1);
            for (;;)
                (void)pause();
        }
    }
    do
        find(path, text);
    while (!strstr(text, " and others"));
    for (size_t i = 0; i < 5; i++)
        process_end(processes[i]);
    assert_non_null(strstr(text, "locked by process "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(who_locks_a_file_is_named, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(who_locks_another_file_is_not, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(who_is_not_in_the_way_is_not, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(locks_of_flock_are_found_where_they_are_asked_for, fixture_make,
                                        fixture_remove),
        cmocka_unit_test_setup_teardown(a_name_cannot_be_taken_for_what_stands_around_it, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(our_own_locks_are_not_told, fixture_make, fixture_remove),
        cmocka_unit_test_setup_teardown(three_are_named_and_the_others_are_said, fixture_make, fixture_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

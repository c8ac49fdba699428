/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM's lock of a group, held against flock as LVM's commands take it. */
#include "config.h"

#include "lib/lvm/group_lock.h"

#include "tests/unit/folder_fixture.h"
#include "tests/unit/unit.h"

#include <sched.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static struct snap_error err;
static int folder_fd = -1;
static uint64_t passed_ns;

/* Time passes only while somebody sleeps. */
static uint64_t now_ns(void *context)
{
    (void)context;
    return passed_ns;
}

static void (*while_asleep)(void);

static void sleep_ns(void *context, uint64_t duration_ns)
{
    (void)context;
    passed_ns += duration_ns;
    if (while_asleep)
        while_asleep();
}

static const struct snap_clock clock_of_test = {now_ns, sleep_ns, NULL};

static enum snap_status take(struct snap_group_lock **lock, const char *group, bool (*stop)(void *))
{
    const struct snap_group_lock_wait wait = {&clock_of_test, 1000000000, stop, NULL};

    passed_ns = 0;
    return snap_group_lock_take(lock, folder_fd, "/lock", group, &wait, &err);
}

static int set_up(void **state)
{
    if (fixture_make(state) != 0)
        return -1;
    folder_fd = open(fixture_folder, O_RDONLY | O_DIRECTORY);
    return folder_fd < 0;
}

static int tear_down(void **state)
{
    (void)close(folder_fd);
    return fixture_remove(state);
}

/* A process that has locked this file of the folder, named "lvm". */
static pid_t locker_new(const char *name, int operation)
{
    int ready[2];
    char byte;
    pid_t process;

    assert_int_equal(pipe(ready), 0);
    process = fork();
    assert_true(process >= 0);
    if (process == 0) {
        const int fd = openat(folder_fd, name, O_CREAT | O_RDWR, 0700);

        if (fd < 0 || flock(fd, operation) != 0 || prctl(PR_SET_NAME, "lvm", 0, 0, 0) != 0 ||
            write(ready[1], "r", 1) != 1)
            _exit(1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(close(ready[1]), 0);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(close(ready[0]), 0);
    return process;
}

static void locker_end(pid_t process)
{
    int status;

    assert_int_equal(kill(process, SIGKILL), 0);
    assert_int_equal(waitpid(process, &status, 0), process);
}

static bool is_free(const char *name, int operation)
{
    const int fd = openat(folder_fd, name, O_CREAT | O_RDWR, 0700);
    const bool answer = fd >= 0 && flock(fd, operation | LOCK_NB) == 0;

    assert_int_equal(close(fd), 0);
    return answer;
}

static void it_keeps_readers_and_writers_out(void **state)
{
    struct snap_group_lock *lock;

    (void)state;
    assert_ok(take(&lock, "vg", NULL), &err);
    assert_int_equal(fixture_names(false), 1); /* the gate is gone */
    assert_false(is_free("V_vg", LOCK_SH));
    assert_false(is_free("V_vg", LOCK_EX));
    snap_group_lock_release(lock);
    assert_int_equal(fixture_names(false), 0);
    snap_group_lock_release(NULL);
}

static void who_has_it_is_named(void **state)
{
    static const struct {
        const char *name;
        int operation;
    } cases[] = {{"V_vg", LOCK_EX}, {"V_vg", LOCK_SH}, {"V_vg:aux", LOCK_EX}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const pid_t process = locker_new(cases[i].name, cases[i].operation);
        struct snap_group_lock *lock = NULL;
        char expected[256];

        assert_status(take(&lock, "vg", NULL), SNAP_E_BUSY, &err);
        (void)snprintf(expected, sizeof expected, "vg: another command has LVM's lock of this group, /lock/V_vg "
                       "(locked by process %ld (lvm)): wait until it has ended, and repeat the command", (long)process);
        assert_string_equal(err.text, expected);
        assert_null(lock);
        assert_ok(take(&lock, "other", NULL), &err);
        snap_group_lock_release(lock);
        locker_end(process);
        assert_ok(take(&lock, "vg", NULL), &err); /* a file that was left is nobody's */
        snap_group_lock_release(lock);
    }
}

static pid_t sleeper;

static void end_sleeper(void)
{
    if (sleeper > 0)
        locker_end(sleeper);
    sleeper = 0;
}

static void a_short_one_is_waited_for(void **state)
{
    struct snap_group_lock *lock;

    (void)state;
    sleeper = locker_new("V_vg", LOCK_SH);
    while_asleep = end_sleeper;
    assert_ok(take(&lock, "vg", NULL), &err);
    while_asleep = NULL;
    snap_group_lock_release(lock);
}

static int removing_fd = -1;

/* Who has the lock gives it back, as LVM does: the file goes first. */
static void give_back(void)
{
    if (removing_fd < 0)
        return;
    assert_int_equal(unlinkat(folder_fd, "V_vg", 0), 0);
    assert_int_equal(close(removing_fd), 0);
    removing_fd = -1;
}

static void a_file_without_its_name_is_no_lock(void **state)
{
    struct snap_group_lock *lock;

    (void)state;
    removing_fd = openat(folder_fd, "V_vg", O_CREAT | O_RDWR | O_CLOEXEC, 0700);
    assert_int_equal(flock(removing_fd, LOCK_EX), 0);
    while_asleep = give_back;
    assert_ok(take(&lock, "vg", NULL), &err);
    while_asleep = NULL;
    assert_false(is_free("V_vg", LOCK_SH));
    snap_group_lock_release(lock);
}

static uint64_t no_time(void *context)
{
    (void)context;
    return 0;
}

static void let_others_run(void *context, uint64_t duration_ns)
{
    (void)context;
    (void)duration_ns;
    (void)sched_yield();
}

/* Counts in memory that others count in, too: without a lock numbers are lost. */
static void count_locked(unsigned *counter, unsigned times)
{
    const struct snap_clock busy_clock = {no_time, let_others_run, NULL};
    const struct snap_group_lock_wait wait = {&busy_clock, 1, NULL, NULL};

    for (unsigned i = 0; i < times; i++) {
        struct snap_group_lock *lock;
        unsigned seen;

        if (snap_group_lock_take(&lock, folder_fd, "/lock", "vg", &wait, NULL) != SNAP_OK)
            _exit(1);
        seen = *(volatile unsigned *)counter;
        (void)sched_yield();
        *(volatile unsigned *)counter = seen + 1;
        snap_group_lock_release(lock);
    }
}

static void one_at_a_time_has_it(void **state)
{
    enum { PROCESSES = 3, TIMES = 700 };
    unsigned *counter = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t processes[PROCESSES];

    (void)state;
    assert_true(counter != MAP_FAILED);
    for (int i = 0; i < PROCESSES; i++) {
        processes[i] = fork();
        assert_true(processes[i] >= 0);
        if (processes[i] == 0) {
            count_locked(counter, TIMES);
            _exit(0);
        }
    }
    for (int i = 0; i < PROCESSES; i++) {
        int status;

        assert_int_equal(waitpid(processes[i], &status, 0), processes[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(*counter, PROCESSES * TIMES);
    assert_int_equal(munmap(counter, sizeof *counter), 0);
}

static bool stop_now(void *context)
{
    (void)context;
    return true;
}

static void a_signal_ends_the_wait(void **state)
{
    const pid_t process = locker_new("V_vg", LOCK_EX);
    struct snap_group_lock *lock;

    (void)state;
    assert_status(take(&lock, "vg", stop_now), SNAP_E_STOPPED, &err);
    locker_end(process);
}

static void no_name_leads_out_of_the_directory(void **state)
{
    static const char *const names[] = {"", ".", "..", "../vg", "a/b", "-vg", "a b", "vg:aux", "v\n"};
    struct snap_group_lock *lock;

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_status(take(&lock, names[i], NULL), SNAP_E_USAGE, &err);
    assert_int_equal(fixture_names(false), 0);
    assert_int_equal(symlinkat("elsewhere", folder_fd, "V_vg"), 0);
    assert_status(take(&lock, "vg", NULL), SNAP_E_IO, &err);
    assert_int_equal(fixture_names(false), 1); /* nothing was made through the link, and the gate is gone */
}

static void expect_folder(const char *expected)
{
    char *folder = NULL;

    assert_ok(snap_group_lock_folder(fixture_folder, &folder, &err), &err);
    assert_string_equal(folder, expected);
    free(folder);
}

static void the_configuration_names_the_directory(void **state)
{
    char *folder;

    (void)state;
    expect_folder("/run/lock/lvm");
#ifdef HAVE_LIBDEVMAPPER
    fixture_put("lvm.conf", "# a comment: \"{\ndevices {\n\tfilter = [ \"a|.*|\" ]\n\t# locking_dir = \"/x\"\n}\n");
    expect_folder("/run/lock/lvm");
    fixture_put("lvm.conf", "global {\n\tumask = 077\n\tlocking_dir = \"/somewhere\"\n}\n");
    expect_folder("/somewhere");
    fixture_put("lvmlocal.conf", "local {\n}\nglobal {\n\tlocking_dir = \"/here\"\n}\n");
    expect_folder("/here");
    fixture_put("lvmlocal.conf", "global/locking_dir=\"/there\"\n");
    assert_status(snap_group_lock_folder(fixture_folder, &folder, &err), SNAP_E_REFUSED, &err);
    assert_non_null(strstr(err.text, "lvmlocal.conf: it cannot be understood, so it is not known where LVM keeps"));
#endif
    (void)folder;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_keeps_readers_and_writers_out, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_has_it_is_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_short_one_is_waited_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_file_without_its_name_is_no_lock, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_at_a_time_has_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_signal_ends_the_wait, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_name_leads_out_of_the_directory, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_configuration_names_the_directory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

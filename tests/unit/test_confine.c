/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests what a program gives up: writing elsewhere, starting programs, the network; and that the rest still works. */
#include "config.h"

#include "lib/base/confine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>
#endif

#include <cmocka.h>

struct folders {
    char allowed[32], other[32];
    int allowed_fd, other_fd;
};

static int make_folders(void **state)
{
    struct folders *folders = calloc(1, sizeof *folders);

    if (!folders)
        return -1;
    strcpy(folders->allowed, "/tmp/confine.XXXXXX");
    strcpy(folders->other, "/tmp/confine.XXXXXX");
    if (!mkdtemp(folders->allowed) || !mkdtemp(folders->other))
        return -1;
    folders->allowed_fd = open(folders->allowed, O_PATH | O_DIRECTORY | O_CLOEXEC);
    folders->other_fd = open(folders->other, O_PATH | O_DIRECTORY | O_CLOEXEC);
    *state = folders;
    return folders->allowed_fd >= 0 && folders->other_fd >= 0 ? 0 : -1;
}

static int remove_folders(void **state)
{
    struct folders *folders = *state;

    (void)unlinkat(folders->allowed_fd, "file", 0);
    (void)unlinkat(folders->allowed_fd, "renamed", 0);
    (void)unlinkat(folders->other_fd, "file", 0);
    (void)close(folders->allowed_fd);
    (void)close(folders->other_fd);
    (void)rmdir(folders->allowed);
    (void)rmdir(folders->other);
    free(folders);
    return 0;
}

/* Runs `tries` in a process that is confined to the first folder; *confined gets what is in force there. */
static int in_process(const struct folders *folders, int (*tries)(const struct folders *), bool tables,
                      unsigned *confined)
{
    int fds[2], status;
    pid_t child;

    assert_int_equal(pipe(fds), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct snap_confine_place place = {.fd = folders->allowed_fd, .folder = true, .nodes = tables};
        const unsigned in_force = snap_confine_program(&place, 1, tables);

        if (write(fds[1], &in_force, sizeof in_force) != sizeof in_force)
            _exit(99);
        _exit(tries(folders));
    }
    assert_int_equal(read(fds[0], confined, sizeof *confined), sizeof *confined);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(close(fds[0]) + close(fds[1]), 0);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int in_confined_process(const struct folders *folders, int (*tries)(const struct folders *), unsigned *confined)
{
    return in_process(folders, tries, false, confined);
}

/* The bits of what worked. */
static int try_to_write_elsewhere(const struct folders *folders)
{
    int worked = 0;

    worked |= openat(folders->other_fd, "file", O_CREAT | O_WRONLY, 0600) >= 0 ? 1 : 0;
    worked |= open("/dev/null", O_WRONLY) >= 0 ? 2 : 0;
    worked |= mkdirat(folders->allowed_fd, "folder", 0700) == 0 ? 4 : 0;
    worked |= symlinkat("x", folders->allowed_fd, "link") == 0 ? 8 : 0;
    worked |= unlink(folders->other) == 0 || errno == EISDIR ? 16 : 0;
    return worked;
}

static void a_write_elsewhere_is_stopped(void **state)
{
    unsigned confined;
    const int worked = in_confined_process(*state, try_to_write_elsewhere, &confined);

    if (!(confined & SNAP_CONFINED_FILES)) {
        print_message("skipped: this kernel has no Landlock\n");
        skip();
    }
    assert_int_equal(worked, 0);
}

#if defined HAVE_LINUX_LANDLOCK_H && defined SYS_landlock_create_ruleset
/* A file that is opened for reading only can be emptied by that. */
static int try_to_empty(const struct folders *folders)
{
    return openat(folders->other_fd, "file", O_RDONLY | O_TRUNC) >= 0 ? 1 : 0;
}

static void a_file_elsewhere_is_not_emptied(void **state)
{
    const struct folders *folders = *state;
    const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    const int fd = openat(folders->other_fd, "file", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    unsigned confined;
    struct stat st;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "content", 7), 7);
    if (version < 3) {
        assert_int_equal(close(fd), 0);
        print_message("skipped: this kernel's Landlock says nothing about emptying a file\n");
        skip();
    }
    assert_int_equal(in_confined_process(folders, try_to_empty, &confined), 0);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, 7);
    assert_int_equal(close(fd), 0);
}
#endif

/* What libdevmapper does; the descriptor is none of device-mapper, so the kernel refuses in other words than EPERM. */
static int try_tables(const struct folders *folders)
{
    const int semaphore = semget(IPC_PRIVATE, 1, 0600);
    int worked = 0;

    worked |= ioctl(folders->allowed_fd, DM_DEV_CREATE, NULL) < 0 && errno != EPERM ? 1 : 0;
    worked |= ioctl(folders->allowed_fd, DM_TABLE_LOAD, NULL) < 0 && errno != EPERM ? 2 : 0;
    worked |= ioctl(folders->allowed_fd, DM_LIST_DEVICES, NULL) < 0 && errno != EPERM ? 4 : 0;
    worked |= semaphore >= 0 && semctl(semaphore, 0, IPC_RMID) == 0 ? 8 : 0;
    /* As root it is made; for others the kernel says EPERM where Landlock would say EACCES. */
    worked |= mknodat(folders->allowed_fd, "node", S_IFBLK | 0600, 0) == 0 || errno == EPERM ? 16 : 0;
    (void)unlinkat(folders->allowed_fd, "node", 0);
    worked |= mknodat(folders->other_fd, "node", S_IFBLK | 0600, 0) == 0 ? 32 : 0;
    return worked;
}

static void tables_can_be_changed_only_where_that_is_asked_for(void **state)
{
    unsigned confined;
    const int without = in_process(*state, try_tables, false, &confined);
    const int with = in_process(*state, try_tables, true, &confined);

    if ((confined & (SNAP_CONFINED_FILES | SNAP_CONFINED_SYSCALLS)) != (SNAP_CONFINED_FILES | SNAP_CONFINED_SYSCALLS)) {
        print_message("skipped: this kernel has no Landlock, or there is no seccomp\n");
        skip();
    }
    assert_int_equal(without, 4);
    assert_int_equal(with, 1 | 2 | 4 | 8 | 16);
}

static int do_what_is_needed(const struct folders *folders)
{
    char byte = 'x';
    const int fd = openat(folders->allowed_fd, "file", O_CREAT | O_EXCL | O_RDWR, 0600);

    if (fd < 0 || write(fd, &byte, 1) != 1 || fsync(fd) != 0 || ftruncate(fd, 10) != 0 || close(fd) != 0)
        return 1;
    if (renameat(folders->allowed_fd, "file", folders->allowed_fd, "renamed") != 0)
        return 2;
    if (linkat(folders->allowed_fd, "renamed", folders->allowed_fd, "file", 0) != 0)
        return 3;
    if (unlinkat(folders->allowed_fd, "renamed", 0) != 0)
        return 4;
    return open("/proc/self/status", O_RDONLY) >= 0 ? 0 : 5;
}

/* Two walls where the kernel has both: what one lets through is stopped by the other. */
static void a_parser_is_confined_like_a_program(void **state)
{
    unsigned of_program, of_parser = 0;
    int fds[2];
    pid_t child;

    (void)in_confined_process(*state, do_what_is_needed, &of_program);
    assert_int_equal(pipe(fds), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const unsigned in_force = snap_confine_parser(false);

        _exit(write(fds[1], &in_force, sizeof in_force) != sizeof in_force);
    }
    assert_int_equal(read(fds[0], &of_parser, sizeof of_parser), sizeof of_parser);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(close(fds[0]) + close(fds[1]), 0);
    assert_int_equal(of_parser, of_program);
}

static void what_is_needed_still_works(void **state)
{
    unsigned confined;

    assert_int_equal(in_confined_process(*state, do_what_is_needed, &confined), 0);
}

static int try_to_reach_out(const struct folders *folders)
{
    char name[] = "true";
    char *const arguments[] = {name, NULL};
    int worked = 0;

    (void)folders;
    worked |= socket(AF_UNIX, SOCK_STREAM, 0) >= 0 ? 1 : 0;
    worked |= ioctl(STDIN_FILENO, TIOCSTI, "x") == 0 || errno == ENOTTY ? 2 : 0;
    worked |= ioctl(STDIN_FILENO, DM_DEV_REMOVE, NULL) == 0 || errno != EPERM ? 8 : 0;
    worked |= ioctl(STDIN_FILENO, _IOC(_IOC_NONE, DM_IOCTL, DM_DEV_REMOVE_CMD, 0), NULL) == 0 || errno != EPERM ? 8 : 0;
    worked |= fchmodat(AT_FDCWD, "/", 0755, 0) == 0 || errno != ENOSYS ? 64 : 0;
    worked |= ioctl(STDIN_FILENO, DM_TABLE_LOAD, NULL) == 0 || errno != EPERM ? 16 : 0;
    worked |= ioctl(STDIN_FILENO, DM_TABLE_STATUS, NULL) == 0 || errno == EPERM ? 32 : 0; /* asking is allowed */
    (void)execve("/bin/true", arguments, NULL);
    worked |= errno == ENOSYS || errno == EACCES ? 0 : 4;
    return worked;
}

static void no_program_and_no_network_can_be_reached(void **state)
{
    unsigned confined;
    const int worked = in_confined_process(*state, try_to_reach_out, &confined);

    if (!(confined & SNAP_CONFINED_SYSCALLS)) {
        print_message("skipped: this build has no libseccomp, or this kernel no seccomp\n");
        skip();
    }
    assert_int_equal(worked, 0);
}

static int look_at_start(const struct folders *folders)
{
    struct rlimit core;

    (void)folders;
    if (snap_confine_start() != SNAP_CONFINED_PRIVILEGES)
        return 1;
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0)
        return 2;
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 3; /* others of this user do not read it, either */
}

static void memory_is_not_dumped(void **state)
{
    unsigned confined;

    assert_int_equal(in_confined_process(*state, look_at_start, &confined), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(tables_can_be_changed_only_where_that_is_asked_for, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(a_write_elsewhere_is_stopped, make_folders, remove_folders),
#if defined HAVE_LINUX_LANDLOCK_H && defined SYS_landlock_create_ruleset
        cmocka_unit_test_setup_teardown(a_file_elsewhere_is_not_emptied, make_folders, remove_folders),
#endif
        cmocka_unit_test_setup_teardown(what_is_needed_still_works, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(a_parser_is_confined_like_a_program, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(no_program_and_no_network_can_be_reached, make_folders, remove_folders),
        cmocka_unit_test_setup_teardown(memory_is_not_dumped, make_folders, remove_folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

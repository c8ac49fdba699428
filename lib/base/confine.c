/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes rights away from the running process with seccomp and Landlock; the only user of libseccomp. */
#include "config.h"

#include "lib/base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef HAVE_LIBSECCOMP
#include <seccomp.h>
#endif
#ifdef HAVE_LINUX_LANDLOCK_H
#include <linux/landlock.h>
#endif

unsigned snap_confine_start(void)
{
    const struct rlimit none = {0, 0};

    (void)setrlimit(RLIMIT_CORE, &none);      /* lowering a limit cannot fail */
    (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); /* nor can this; it also keeps others of this user from reading memory */
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? SNAP_CONFINED_PRIVILEGES : 0;
}

#ifdef HAVE_LIBSECCOMP
/* By name, since not every processor has all of them; a name that a processor does not have is left out. */
static const char *const parser_calls[] = {
    "brk", "clock_gettime", "clock_gettime64", "close", "exit", "exit_group", "fadvise64", "fadvise64_64", "fcntl",
    "fcntl64", "fstat", "fstat64", "fstatat64", "futex", "futex_time64", "geteuid", "geteuid32", "getpid",
    "getrandom", "gettid", "_llseek", "lseek", "madvise", "mremap", "munmap", "newfstatat", "pread64", "read",
    "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigreturn", "statx", "write",
};

static const char *const opening_calls[] = {
    "access", "faccessat", "faccessat2", "getdents64", "ioctl", "lstat", "lstat64", "open", "openat", "readlink",
    "readlinkat", "stat", "stat64",
};

static const char *const program_calls[] = {
    /* reading, writing and everything else with open descriptors */
    "copy_file_range", "dup", "dup2", "dup3", "fallocate", "fdatasync", "flock", "fstatfs", "fstatfs64", "fsync",
    "ftruncate", "ftruncate64", "io_uring_enter", "io_uring_register", "io_uring_setup", "memfd_create", "pipe",
    "pipe2", "poll", "ppoll", "ppoll_time64", "preadv", "preadv2", "pselect6", "pselect6_time64", "pwrite64",
    "pwritev", "pwritev2", "readv", "select", "_newselect", "sync_file_range", "syncfs", "writev",
    /* names; what may be written is Landlock's matter */
    "getcwd", "link", "linkat", "mkdir", "mkdirat", "rename", "renameat", "renameat2", "statfs", "statfs64", "umask",
    "unlink", "unlinkat",
    /* threads, processes for parsing, time, limits */
    "clock_getres", "clock_nanosleep", "clock_nanosleep_time64", "clone", "close_range", "fork", "getegid",
    "getegid32", "getgid", "getgid32", "getppid", "getpriority", "getrlimit", "getrusage", "gettimeofday", "getuid",
    "getuid32", "ioprio_get", "ioprio_set", "kill", "landlock_add_rule", "landlock_create_ruleset",
    "landlock_restrict_self", "membarrier", "mlock", "munlock", "nanosleep", "prctl", "prlimit64", "restart_syscall",
    "rseq", "rt_sigpending", "sched_getaffinity", "sched_yield", "seccomp", "set_robust_list", "setgroups",
    "setgroups32", "setresgid", "setresgid32", "setresuid", "setresuid32", "setrlimit", "set_tid_address",
    "sigaltstack", "sigpending", "sysinfo", "tgkill", "time", "times", "ugetrlimit", "uname", "wait4", "waitid",
    "waitpid",
};

/* libdevmapper makes nodes where udev does not, and waits for udev on a semaphore. */
static const char *const table_calls[] = {
    "chown", "chown32", "fchownat", "ipc", "lchown", "lchown32", "mknod", "mknodat", "semctl", "semget", "semop",
    "semtimedop", "semtimedop_time64",
};

#ifdef WITH_SANITIZERS
/* Their leak checker looks at the program from outside when it ends. */
static const char *const checker_calls[] = {"getdents", "ptrace"};
#endif

#define COUNT(array) (sizeof array / sizeof array[0])

static bool allow(scmp_filter_ctx filter, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const int number = seccomp_syscall_resolve_name(names[i]);
        int answer = 0;

        if (number != __NR_SCMP_ERROR)
            answer = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);
        if (answer != 0 && answer != -EDOM && answer != -EINVAL) /* not on this processor */
            return false;
    }
    return true;
}

/* Characters put into somebody's terminal are commands there. These rules are more exact than the one that allows. */
static bool refuse_terminal_input(scmp_filter_ctx filter)
{
#ifdef TIOCSTI
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                            SCMP_A1_32(SCMP_CMP_EQ, (scmp_datum_t)TIOCSTI, 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                            SCMP_A1_32(SCMP_CMP_NE, (scmp_datum_t)TIOCSTI, 0)) == 0;
#else
    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 0) == 0;
#endif
}

/* Opening for reading only: the two bits of the access mode are 0. */
static bool allow_reading(scmp_filter_ctx filter)
{
    const scmp_datum_t refused = O_ACCMODE | O_CREAT | O_TRUNC;

    return seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
                            SCMP_A2(SCMP_CMP_MASKED_EQ, refused, O_RDONLY)) == 0;
}

/* Memory for data. Who may also make it executable can bring code of his own. */
static bool allow_memory(scmp_filter_ctx filter, bool executable)
{
    static const char *const names[] = {"mmap", "mmap2", "mprotect"};
    bool complete = true;

    if (executable)
        return allow(filter, names, COUNT(names));
    for (size_t i = 0; i < COUNT(names) && complete; i++) {
        const int answer = seccomp_rule_add(filter, SCMP_ACT_ALLOW, seccomp_syscall_resolve_name(names[i]), 1,
                                            SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

        complete = answer == 0 || answer == -EDOM || answer == -EINVAL;
    }
    return complete;
}

/*
 * What device-mapper is told: a program asks which tables stand on a device, and changes none. The kernel looks at type
 * and number of a request only, so its size must not matter here. This is a filter of its own, since of several filters
 * the strictest decides.
 */
static bool refuse_table_changes(void)
{
    static const scmp_datum_t changes[] = {DM_REMOVE_ALL,  DM_DEV_CREATE,  DM_DEV_REMOVE, DM_DEV_RENAME, DM_DEV_SUSPEND,
                                           DM_TABLE_LOAD, DM_TABLE_CLEAR, DM_TARGET_MSG, DM_DEV_SET_GEOMETRY};
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool complete = filter && seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1) == 0;

    for (size_t i = 0; i < COUNT(changes) && complete; i++)
        complete = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ioctl), 1,
                                    SCMP_A1_32(SCMP_CMP_MASKED_EQ, 0xffff, changes[i] & 0xffff)) == 0;
    complete = complete && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return complete;
}

static unsigned load(scmp_filter_ctx filter, bool complete)
{
    const bool loaded = complete && seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 1) == 0 && seccomp_load(filter) == 0;

    seccomp_release(filter);
    return loaded ? SNAP_CONFINED_SYSCALLS | SNAP_CONFINED_PRIVILEGES : 0;
}

/* ENOSYS: a C library that is newer than this list falls back to older calls then. */
static unsigned confine_calls(bool program, bool may_open, bool tables)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    bool complete;

    if (!filter)
        return 0;
    complete = allow(filter, parser_calls, COUNT(parser_calls)) && allow_memory(filter, program);
    if (complete && may_open) {
        const size_t count = COUNT(opening_calls);

        for (size_t i = 0; i < count && complete; i++) {
            const int number = seccomp_syscall_resolve_name(opening_calls[i]);

            if (number == SCMP_SYS(ioctl))
                complete = refuse_terminal_input(filter);
            else if (!program && number == SCMP_SYS(openat))
                complete = allow_reading(filter);
            else if (program || number != SCMP_SYS(open))
                complete = allow(filter, &opening_calls[i], 1);
        }
    }
    if (complete && program)
        complete = allow(filter, program_calls, COUNT(program_calls)) &&
                   (tables ? allow(filter, table_calls, COUNT(table_calls)) : refuse_table_changes());
#ifdef WITH_SANITIZERS
    if (complete && program)
        complete = allow(filter, checker_calls, COUNT(checker_calls));
#endif
    return load(filter, complete);
}

unsigned snap_confine_program_calls(void)
{
    return COUNT(parser_calls) + COUNT(opening_calls) + COUNT(program_calls);
}
#else
static unsigned confine_calls(bool program, bool may_open, bool tables)
{
    (void)tables;
    (void)program;
    (void)may_open;
    return 0;
}

unsigned snap_confine_program_calls(void)
{
    return 0;
}
#endif

#if defined HAVE_LINUX_LANDLOCK_H && defined SYS_landlock_create_ruleset
/* What Landlock can refuse, by the version that brought it: the kernel says which it has. */
#define ACCESS_FILE (LANDLOCK_ACCESS_FS_WRITE_FILE | ACCESS_TRUNCATE)
#define ACCESS_NAMES \
    (LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG | ACCESS_REFER)
#define ACCESS_OTHERS \
    (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR | \
     LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
     LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
/* Values of version 2 and 3: headers of older systems do not have them. */
#define ACCESS_REFER (UINT64_C(1) << 13)
#define ACCESS_TRUNCATE (UINT64_C(1) << 14)

static uint64_t known_access(long version)
{
    uint64_t access = ACCESS_FILE | ACCESS_NAMES | ACCESS_OTHERS;

    if (version < 2)
        access &= ~ACCESS_REFER;
    if (version < 3)
        access &= ~ACCESS_TRUNCATE;
    return access;
}

static bool add_place(int ruleset, const struct snap_confine_place *place, uint64_t known)
{
    const struct landlock_path_beneath_attr rule = {
        .allowed_access = known & (ACCESS_FILE | (place->folder ? ACCESS_NAMES : 0) |
                                   (place->nodes ? LANDLOCK_ACCESS_FS_MAKE_BLOCK : 0)),
        .parent_fd = place->fd,
    };

    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0) == 0;
}

static unsigned confine_files(const struct snap_confine_place *places, size_t count)
{
    const long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    struct landlock_ruleset_attr attributes = {.handled_access_fs = known_access(version)};
    int ruleset;
    bool complete = true;

    if (version < 1)
        return 0;
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof attributes.handled_access_fs, 0);
    if (ruleset < 0)
        return 0;
    for (size_t i = 0; i < count && complete; i++)
        complete = add_place(ruleset, &places[i], attributes.handled_access_fs);
    if (complete)
        complete = syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    (void)close(ruleset);
    return complete ? SNAP_CONFINED_FILES : 0;
}
#else
static unsigned confine_files(const struct snap_confine_place *places, size_t count)
{
    (void)places;
    (void)count;
    return 0;
}
#endif

unsigned snap_confine_program(const struct snap_confine_place *places, size_t count, bool tables)
{
    const unsigned privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? SNAP_CONFINED_PRIVILEGES : 0;

    return privileges | confine_files(places, count) | confine_calls(true, true, tables);
}

unsigned snap_confine_parser(bool may_open)
{
    const unsigned privileges = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? SNAP_CONFINED_PRIVILEGES : 0;

    return privileges | confine_files(NULL, 0) | confine_calls(false, may_open, false);
}

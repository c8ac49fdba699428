/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs a job file: as first process of a User Mode Linux kernel, or on the host for the jobs on plain images. */
#include "tests/kernel/job.h"
#include "tests/kernel/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#define PATH_BYTES 512
#define LINE_BYTES 16384

static void job_module(const struct job *job, struct job_result *result);

static const struct verb {
    const char *name;
    job_function *run;
    bool on_host; /* touches plain files only: may be run outside of the test kernel, too */
} verbs[] = {
    { "check-files", job_check_files, .on_host = false },
    { "cmp", job_cmp, .on_host = true },
    { "copy", job_copy, .on_host = true },
    { "crc", job_crc, .on_host = true },
    { "create", job_create, .on_host = false },
    { "exec", job_exec, .on_host = false },
    { "fill", job_fill, .on_host = true },
    { "flush", job_flush, .on_host = true },
    { "halt", job_halt, .on_host = false },
    { "load", job_load, .on_host = false },
    { "loop", job_loop, .on_host = false },
    { "make-files", job_make_files, .on_host = false },
    { "message", job_message, .on_host = false },
    { "module", job_module, .on_host = false },
    { "mount", job_mount, .on_host = false },
    { "remove", job_remove, .on_host = false },
    { "resume", job_resume, .on_host = false },
    { "size", job_size, .on_host = true },
    { "status", job_status, .on_host = false },
    { "suspend", job_suspend, .on_host = false },
    { "sync", job_sync, .on_host = false },
    { "table", job_table, .on_host = false },
    { "umount", job_umount, .on_host = false },
    { "unloop", job_unloop, .on_host = false },
    { "wait-merge", job_wait_merge, .on_host = false },
    { "write", job_write, .on_host = true },
    { "write-random", job_write_random, .on_host = true },
};

/* ext4, xfs and btrfs are built in. */
static const char *const wanted_modules[] = {
    "dm-snapshot", "dm-flakey", "dm-dust",       "dm-delay",  "dm-log-writes",
    "dm-thin-pool", "loop",     "raid1", "vfat",    "nls_cp437", "nls_iso8859-1", "nls_ascii",
};

static void complain(const char *what)
{
    (void)fprintf(stderr, "uml-init: %s: %s\n", what, strerror(errno));
}

static bool in_test_kernel(void)
{
    return getpid() == 1;
}

static void run_job(const struct job *job, struct job_result *result)
{
    if (!job->verb) {
        result_error(result, EINVAL, "a word that is no key=value, or too many words");
        return;
    }
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (strcmp(verbs[i].name, job->verb) != 0)
            continue;
        if (verbs[i].on_host || in_test_kernel())
            verbs[i].run(job, result);
        else
            result_error(result, EPERM, "%s: only in the test kernel", job->verb);
        return;
    }
    result_error(result, ENOSYS, "no such job: %s", job->verb);
}

/* The line must be with the host before the next job starts: that one may be the last. */
static bool put_line(int fd, const char *text)
{
    char line[LINE_BYTES];
    int length = snprintf(line, sizeof(line), "%s\n", text);

    if (write(fd, line, (size_t)length) != length)
        return false;
    return sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER) == 0;
}

enum outcome { OUTCOME_END, OUTCOME_HALT, OUTCOME_FAILURE };

static enum outcome run_jobs(const char *job_path, const char *result_path)
{
    static struct job_result result;
    static struct job job;
    char line[LINE_BYTES];
    bool good = true;
    bool halt = false;
    int out = open(result_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    FILE *in = fopen(job_path, "re");

    if (out < 0 || !in) {
        complain(out < 0 ? result_path : job_path);
        return OUTCOME_FAILURE;
    }
    while (good && !halt && fgets(line, sizeof(line), in)) {
        if (!job_parse(line, &job))
            continue;
        result_error(&result, ENODATA, "the job said nothing");
        run_job(&job, &result);
        halt = result.halt;
        good = put_line(out, result.text);
    }
    good = good && !ferror(in) && put_line(out, "end");
    if (!good)
        complain(result_path);
    (void)fclose(in);
    if (close(out) < 0 || !good)
        return OUTCOME_FAILURE;
    return halt ? OUTCOME_HALT : OUTCOME_END;
}

static bool load_module(const char *dir, const char *relative)
{
    bool good = true;
    char path[PATH_BYTES];
    int fd;

    (void)snprintf(path, sizeof(path), "%s/%s", dir, relative);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || (syscall(SYS_finit_module, fd, "", 0) < 0 && errno != EEXIST)) {
        complain(path);
        good = false;
    }
    if (fd >= 0)
        (void)close(fd);
    return good;
}

/* A line of modules.dep: "PATH: PATH ...", where what stands further right has to be loaded earlier. */
static bool load_with_dependencies(const char *dir, char *line)
{
    bool good = true;
    char *colon = strchr(line, ':');

    line[strcspn(line, "\n")] = '\0';
    while (colon) {
        char *last = strrchr(colon, ' ');

        if (!last)
            break;
        if (last[1] != '\0')
            good = load_module(dir, last + 1) && good;
        *last = '\0';
    }
    line[strcspn(line, ":")] = '\0';
    return load_module(dir, line) && good;
}

/* False: there is no such module, or it cannot be loaded. */
static bool load_by_name(const char *dir, const char *module)
{
    char path[PATH_BYTES];
    char line[LINE_BYTES];
    char name[64];
    bool found = false;
    bool good = false;
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/modules.dep", dir);
    (void)snprintf(name, sizeof(name), "/%s.ko:", module);
    file = fopen(path, "re");
    if (!file) {
        complain(path);
        return false;
    }
    while (!found && fgets(line, sizeof(line), file)) {
        found = strstr(line, name) != NULL;
        if (found)
            good = load_with_dependencies(dir, line);
    }
    (void)fclose(file);
    return good;
}

/* What only some tests use: the others start faster without it. */
static void job_module(const struct job *job, struct job_result *result)
{
    const char *dir = getenv("job_modules");
    const char *name;

    if (!job_need(job, "name", &name, result))
        return;
    if (dir && load_by_name(dir, name))
        result_ok(result, "%s", name);
    else
        result_error(result, ENOENT, "module %s", name);
}

static void mount_one(const char *type, const char *dir, const char *options)
{
    /* EBUSY: the kernel has mounted it by itself. */
    if (mount(type, dir, type, 0, options) < 0 && errno != EBUSY)
        complain(dir);
}

/* /dev/NAME for each NAME of the list, as another node of ubd0, ubd1, ...: jobs speak of devices by their role. */
static void name_devices(char *names)
{
    char path[PATH_BYTES];
    char *rest = NULL;
    unsigned index = 0;

    for (char *name = strtok_r(names, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        struct stat status;

        (void)snprintf(path, sizeof(path), "/dev/ubd%c", 'a' + (int)index++);
        if (stat(path, &status) < 0) {
            complain(path);
            continue;
        }
        (void)snprintf(path, sizeof(path), "/dev/%s", name);
        if (mknod(path, S_IFBLK | 0600, status.st_rdev) < 0)
            complain(path);
    }
}

static void boot(void)
{
    char *devices = getenv("job_devices");
    const char *modules = getenv("job_modules");

    mount_one("proc", "/proc", NULL);
    mount_one("sysfs", "/sys", NULL);
    mount_one("devtmpfs", "/dev", NULL);
    mount_one("tmpfs", "/run", NULL);
    /* The host's own: tests may keep their files there. */
    if (mkdir("/dev/shm", 01777) == 0)
        mount_one("hostfs", "/dev/shm", "/dev/shm");
    (void)umask(022);
    for (size_t i = 0; modules && i < sizeof(wanted_modules) / sizeof(wanted_modules[0]); i++)
        (void)load_by_name(modules, wanted_modules[i]);
    if (devices)
        name_devices(devices);
    /* Nobody answers udev cookies here. */
    if (setenv("DM_DISABLE_UDEV", "1", 1) < 0 || setenv("LC_ALL", "C", 1) < 0 ||
        setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1) < 0)
        complain("environment");
}

int main(int argc, char **argv)
{
    const char *dir = getenv("job_dir");
    char jobs[PATH_BYTES];
    char results[PATH_BYTES];
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    (void)sigprocmask(SIG_BLOCK, &signals, NULL);
    if (!in_test_kernel()) {
        if (argc == 3)
            return run_jobs(argv[1], argv[2]) == OUTCOME_END ? 0 : 1;
        (void)fprintf(stderr, "usage: uml-init JOBFILE RESULTFILE\n");
        return 2;
    }
    boot();
    (void)snprintf(jobs, sizeof(jobs), "%s/jobs", dir ? dir : "");
    (void)snprintf(results, sizeof(results), "%s/results", dir ? dir : "");
    if (run_jobs(jobs, results) != OUTCOME_HALT)
        sync();
    (void)reboot(RB_POWER_OFF);
    return 1;
}

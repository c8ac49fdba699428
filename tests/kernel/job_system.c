/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs that use what the kernel offers around a device: file systems, loop devices, programs, a sudden end. */
#include "tests/kernel/job.h"
#include "tests/kernel/pattern.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/loop.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 512
#define FILE_MAX_BYTES (4u << 20)

void job_mount(const struct job *job, struct job_result *result)
{
    const char *device;
    const char *dir;
    const char *type;

    if (!job_need(job, "dev", &device, result) || !job_need(job, "dir", &dir, result) ||
        !job_need(job, "fs", &type, result))
        return;
    if (mkdir(dir, 0755) < 0 && errno != EEXIST)
        result_error(result, errno, "%s: make directory", dir);
    else if (mount(device, dir, type, 0, job_text(job, "options")) < 0)
        result_error(result, errno, "%s: mount on %s as %s", device, dir, type);
    else
        result_ok(result, "%s", dir);
}

void job_umount(const struct job *job, struct job_result *result)
{
    const char *dir;

    if (!job_need(job, "dir", &dir, result))
        return;
    if (umount2(dir, 0) < 0)
        result_error(result, errno, "%s: unmount", dir);
    else
        result_ok(result, "%s", dir);
}

/* File `index` of a set: its path, its length of 1..size_bytes, and its bytes from pattern seed + index. */
static size_t file_content(const char *dir, uint64_t seed, uint64_t index, uint64_t size_bytes, char *path,
                           unsigned char *data)
{
    size_t length_bytes = (size_t)pattern_place(seed, index, size_bytes) + 1;

    (void)snprintf(path, PATH_BYTES, "%s/file-%" PRIu64 "-%" PRIu64, dir, seed, index);
    pattern_fill(seed + index, 0, length_bytes, data);
    return length_bytes;
}

static int file_write(const char *path, const unsigned char *data, size_t length_bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ssize_t count;
    int number = 0;

    if (fd < 0)
        return errno;
    count = write(fd, data, length_bytes);
    if (count < 0)
        number = errno;
    else if ((size_t)count != length_bytes)
        number = ENOSPC;
    if (close(fd) < 0 && number == 0)
        number = errno;
    return number;
}

/* 0 if the file holds exactly these bytes, EILSEQ if it holds others, or the errno of a failed call. */
static int file_check(const char *path, const unsigned char *data, size_t length_bytes)
{
    static unsigned char found[FILE_MAX_BYTES + 1];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t count;
    int number = 0;

    if (fd < 0)
        return errno;
    count = read(fd, found, length_bytes + 1);
    if (count < 0)
        number = errno;
    else if ((size_t)count != length_bytes || memcmp(found, data, length_bytes) != 0)
        number = EILSEQ;
    (void)close(fd);
    return number;
}

static void for_each_file(const struct job *job, bool writing, struct job_result *result)
{
    static unsigned char data[FILE_MAX_BYTES];
    char path[PATH_BYTES];
    uint64_t seed;
    uint64_t count;
    uint64_t size_bytes;
    const char *dir;

    if (!job_need(job, "dir", &dir, result) || !job_number(job, "seed", 1, &seed, result) ||
        !job_number(job, "count", 1, &count, result) || !job_number(job, "size", 4096, &size_bytes, result))
        return;
    if (size_bytes == 0 || size_bytes > FILE_MAX_BYTES) {
        result_error(result, EINVAL, "files of 1 to %u bytes can be made", FILE_MAX_BYTES);
        return;
    }
    for (uint64_t index = 0; index < count; index++) {
        size_t length_bytes = file_content(dir, seed, index, size_bytes, path, data);
        int number = writing ? file_write(path, data, length_bytes) : file_check(path, data, length_bytes);

        if (number != 0) {
            result_error(result, number, "%s", path);
            return;
        }
    }
    result_ok(result, "%" PRIu64 " files", count);
}

void job_make_files(const struct job *job, struct job_result *result)
{
    for_each_file(job, true, result);
}

void job_check_files(const struct job *job, struct job_result *result)
{
    for_each_file(job, false, result);
}

/* A free loop device's path, or an errno. */
static int loop_free(char *path, size_t path_bytes)
{
    int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
    int index;

    if (control < 0)
        return errno;
    index = ioctl(control, LOOP_CTL_GET_FREE);
    (void)close(control);
    if (index < 0)
        return ENODEV;
    (void)snprintf(path, path_bytes, "/dev/loop%d", index);
    return 0;
}

/* Direct I/O where the file below is a device; hostfs cannot do it. The link /dev/NAME is what other jobs use. */
void job_loop(const struct job *job, struct job_result *result)
{
    struct loop_config config = { .info.lo_flags = 0 };
    char path[64] = "";
    char link_path[PATH_BYTES];
    uint64_t block_bytes;
    struct stat status;
    const char *name;
    const char *file;
    int number;
    int loop = -1;
    int fd;

    if (!job_need(job, "name", &name, result) || !job_need(job, "file", &file, result) ||
        !job_number(job, "block", 512, &block_bytes, result))
        return;
    fd = open(file, O_RDWR | O_CLOEXEC);
    number = fd < 0 || fstat(fd, &status) < 0 ? errno : loop_free(path, sizeof(path));
    if (number == 0 && (loop = open(path, O_RDWR | O_CLOEXEC)) < 0)
        number = errno;
    if (number == 0) {
        config.fd = (unsigned)fd;
        config.block_size = (unsigned)block_bytes;
        config.info.lo_flags = S_ISBLK(status.st_mode) ? LO_FLAGS_DIRECT_IO : 0;
        if (ioctl(loop, LOOP_CONFIGURE, &config) < 0)
            number = errno;
    }
    (void)snprintf(link_path, sizeof(link_path), "/dev/%s", name);
    if (number == 0 && symlink(path, link_path) < 0)
        number = errno;
    if (loop >= 0)
        (void)close(loop);
    if (fd >= 0)
        (void)close(fd);
    if (number == 0)
        result_ok(result, "%s", link_path);
    else
        result_error(result, number, "%s: loop device over %s", name, file);
}

void job_unloop(const struct job *job, struct job_result *result)
{
    char link_path[PATH_BYTES];
    const char *name;
    int number = 0;
    int fd;

    if (!job_need(job, "name", &name, result))
        return;
    (void)snprintf(link_path, sizeof(link_path), "/dev/%s", name);
    fd = open(link_path, O_RDWR | O_CLOEXEC);
    if (fd < 0 || fsync(fd) < 0 || ioctl(fd, LOOP_CLR_FD) < 0 || unlink(link_path) < 0)
        number = errno;
    if (fd >= 0)
        (void)close(fd);
    if (number == 0)
        result_ok(result, "%s", name);
    else
        result_error(result, number, "%s: release loop device", name);
}

/* Never returns in the child. Its output is buffered by nobody but the host's file. */
static void exec_child(const struct job *job, const char *output)
{
    int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0644);
    int in = open("/dev/null", O_RDONLY);
    sigset_t none;

    (void)sigemptyset(&none);
    (void)sigprocmask(SIG_SETMASK, &none, NULL);
    if (fd < 0 || in < 0 || dup2(in, 0) < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
        _exit(127);
    (void)setsid();
    (void)execv(job->arguments[0], job->arguments);
    (void)fprintf(stderr, "%s: %s\n", job->arguments[0], strerror(errno));
    _exit(127);
}

/* When to kill a program on purpose: after some time, or after so much has been written to a device. */
struct kill_plan {
    uint64_t after_ms;
    uint64_t signal;
    char stat_path[PATH_BYTES]; /* the device's figures; empty: not by writes */
    uint64_t sectors;
};

/* What has been written to the device since it was made; 0 if the kernel does not say. */
static uint64_t written_sectors(const char *stat_path)
{
    FILE *file = fopen(stat_path, "re");
    unsigned long long sectors = 0;

    if (!file)
        return 0;
    if (fscanf(file, "%*u %*u %*u %*u %*u %*u %llu", &sectors) != 1)
        sectors = 0;
    (void)fclose(file);
    return sectors;
}

static bool read_kill_plan(const struct job *job, struct kill_plan *plan, struct job_result *result)
{
    const char *device = job_text(job, "kill-dev");
    struct stat status;

    plan->stat_path[0] = '\0';
    if (!job_number(job, "kill-after", UINT64_MAX, &plan->after_ms, result) ||
        !job_number(job, "kill-signal", SIGKILL, &plan->signal, result) ||
        !job_number(job, "kill-written", 512, &plan->sectors, result))
        return false;
    if (!device)
        return true;
    if (stat(device, &status) < 0) {
        result_error(result, errno, "%s", device);
        return false;
    }
    (void)snprintf(plan->stat_path, sizeof(plan->stat_path), "/sys/dev/block/%u:%u/stat", major(status.st_rdev),
                   minor(status.st_rdev));
    plan->sectors = plan->sectors / 512 + written_sectors(plan->stat_path);
    return true;
}

/* Waits for the child and carries out the plan, once; false if it still runs after `timeout_ms`. */
static bool child_ended(pid_t child, const struct kill_plan *plan, uint64_t timeout_ms, int *status)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    uint64_t start_ms = job_now_ms();
    bool killed = false;
    sigset_t signals;

    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGCHLD);
    while (waitpid(child, status, WNOHANG) != child) {
        uint64_t passed_ms = job_now_ms() - start_ms;

        if (passed_ms >= timeout_ms)
            return false;
        if (!killed && (passed_ms >= plan->after_ms ||
                        (plan->stat_path[0] != '\0' && written_sectors(plan->stat_path) >= plan->sectors)))
            killed = kill(child, (int)plan->signal) == 0;
        /* SIGCHLD is blocked: one that comes before this call still ends it. */
        (void)sigtimedwait(&signals, NULL, &pause);
    }
    return true;
}

/* A planned kill is part of a test, its answer is ok; running into timeout= is a failure. */
void job_exec(const struct job *job, struct job_result *result)
{
    const char *output = job_text(job, "output");
    struct kill_plan plan;
    uint64_t timeout_ms;
    int status = 0;
    pid_t child;

    if (!read_kill_plan(job, &plan, result) || !job_number(job, "timeout", 120000, &timeout_ms, result))
        return;
    if (job->argument_count == 0) {
        result_error(result, EINVAL, "exec needs -- and a program");
        return;
    }
    child = fork();
    if (child == 0)
        exec_child(job, output ? output : "/dev/null");
    if (child < 0) {
        result_error(result, errno, "fork");
        return;
    }
    if (!child_ended(child, &plan, timeout_ms, &status)) {
        (void)kill(child, SIGKILL);
        (void)waitpid(child, &status, 0);
        result_error(result, ETIMEDOUT, "%s: killed after %" PRIu64 " ms", job->arguments[0], timeout_ms);
        return;
    }
    if (WIFSIGNALED(status))
        result_ok(result, "signal %d", WTERMSIG(status));
    else
        result_ok(result, "exit %d", WEXITSTATUS(status));
}

void job_sync(const struct job *job, struct job_result *result)
{
    (void)job;
    sync();
    result_ok(result, "synced");
}

/* As when the plug is pulled: nothing is written back, no device is removed, no later job runs. */
void job_halt(const struct job *job, struct job_result *result)
{
    (void)job;
    result_ok(result, "halted");
    result->halt = true;
}

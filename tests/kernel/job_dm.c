/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Jobs on the device mapper, through its ioctls: no library and no udev between a test and the kernel. */
#include "tests/kernel/job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/dm-ioctl.h>
#include <linux/fs.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#define CALL_BYTES 32768u

/* An ioctl's header and the data behind it; the kernel answers in the same place. */
static union {
    struct dm_ioctl header;
    unsigned char bytes[CALL_BYTES];
} call;

static void call_begin(const char *name)
{
    memset(&call, 0, sizeof(call));
    call.header.version[0] = DM_VERSION_MAJOR;
    call.header.data_size = sizeof(call);
    call.header.data_start = sizeof(call.header);
    (void)snprintf(call.header.name, sizeof(call.header.name), "%s", name);
}

/* 0 or an errno. */
static int call_make(unsigned long request)
{
    static int control = -1;

    if (control < 0)
        control = open("/dev/mapper/control", O_RDWR | O_CLOEXEC);
    if (control < 0 || ioctl(control, request, &call) < 0)
        return errno;
    return 0;
}

static int simple_call(const char *name, unsigned long request, uint32_t flags)
{
    call_begin(name);
    call.header.flags = flags;
    return call_make(request);
}

static void node_path(const char *name, char *path, size_t length)
{
    (void)snprintf(path, length, "/dev/mapper/%s", name);
}

/* The number that the last call returned is packed as the kernel packs it for user space. */
static int node_make(const char *name)
{
    char path[DM_NAME_LEN + 32];
    unsigned major_number = (unsigned)(call.header.dev & 0xfff00) >> 8;
    unsigned minor_number = (unsigned)((call.header.dev & 0xff) | ((call.header.dev >> 12) & 0xfff00));

    node_path(name, path, sizeof(path));
    (void)unlink(path);
    return mknod(path, S_IFBLK | 0600, makedev(major_number, minor_number)) < 0 ? errno : 0;
}

/* The size of the device that the target's parameters name first: the length that * stands for. */
static int first_device_sectors(const char *params, uint64_t *sectors)
{
    char path[256];
    uint64_t size_bytes;
    int number = 0;
    int fd;

    if (sscanf(params, "%255s", path) != 1)
        return EINVAL;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno;
    if (ioctl(fd, BLKGETSIZE64, &size_bytes) < 0)
        number = errno;
    else
        *sectors = size_bytes / 512;
    (void)close(fd);
    return number;
}

/* Adds "START LENGTH TARGET PARAMETERS" to the call, at `*at` bytes from the end of its header. */
static int add_target(const char *line, size_t *at)
{
    size_t room = sizeof(call) - sizeof(call.header) - *at;
    struct dm_target_spec *spec = (struct dm_target_spec *)(void *)(call.bytes + sizeof(call.header) + *at);
    char length_text[32];
    unsigned long long start;
    unsigned long long length;
    int params_at = -1;
    size_t params_length;
    int number = 0;

    if (room < sizeof(*spec) ||
        sscanf(line, "%llu %31s %15s %n", &start, length_text, spec->target_type, &params_at) < 3 || params_at < 0)
        return EINVAL;
    spec->sector_start = start;
    if (strcmp(length_text, "*") == 0) {
        uint64_t sectors = 0;

        number = first_device_sectors(line + params_at, &sectors);
        spec->length = sectors;
    } else if (sscanf(length_text, "%llu", &length) == 1)
        spec->length = length;
    else
        number = EINVAL;
    params_length = strlen(line + params_at) + 1;
    if (number == 0 && params_length > room - sizeof(*spec))
        number = E2BIG;
    if (number != 0)
        return number;
    memcpy((char *)spec + sizeof(*spec), line + params_at, params_length);
    spec->next = (uint32_t)((sizeof(*spec) + params_length + 7) / 8 * 8);
    *at += spec->next;
    call.header.target_count++;
    return 0;
}

/* `table`: lines as dmsetup takes them, with ; between them. */
static int load_table(const char *name, const char *table, bool read_only)
{
    char copy[4096];
    char *rest = NULL;
    size_t at = 0;
    int number = 0;

    if (strlen(table) >= sizeof(copy))
        return E2BIG;
    (void)snprintf(copy, sizeof(copy), "%s", table);
    call_begin(name);
    call.header.flags = read_only ? DM_READONLY_FLAG : 0;
    for (char *line = strtok_r(copy, ";", &rest); line && number == 0; line = strtok_r(NULL, ";", &rest))
        number = add_target(line, &at);
    return number != 0 ? number : call_make(DM_TABLE_LOAD);
}

static bool job_flag(const struct job *job, const char *key)
{
    const char *value = job_text(job, key);

    return value && strcmp(value, "0") != 0;
}

/*
 * A program that was killed is gone before its ring of requests is: the kernel takes that apart on its own time, and
 * until then the devices below count as held.
 */
static int load_when_free(const char *name, const char *table, bool read_only)
{
    const struct timespec pause = {.tv_nsec = 20000000};
    int number = load_table(name, table, read_only);

    for (int tries = 0; number == EBUSY && tries < 500; tries++) {
        (void)nanosleep(&pause, NULL);
        number = load_table(name, table, read_only);
    }
    return number;
}

/* Without table= the device stays empty, for a later load. A failure leaves no device behind. */
void job_create(const struct job *job, struct job_result *result)
{
    const char *table = job_text(job, "table");
    const char *step = "create";
    const char *name;
    int number;

    if (!job_need(job, "name", &name, result))
        return;
    number = simple_call(name, DM_DEV_CREATE, 0);
    if (number != 0) {
        result_error(result, number, "%s: create", name);
        return;
    }
    if (table) {
        step = "load table";
        number = load_when_free(name, table, job_flag(job, "readonly"));
    }
    if (table && number == 0) {
        step = "resume";
        number = simple_call(name, DM_DEV_SUSPEND, 0);
    }
    if (number == 0) {
        step = "make node";
        number = simple_call(name, DM_DEV_STATUS, 0);
    }
    if (number == 0)
        number = node_make(name);
    if (number == 0) {
        result_ok(result, "/dev/mapper/%s", name);
        return;
    }
    result_error(result, number, "%s: %s", name, step);
    (void)simple_call(name, DM_DEV_REMOVE, 0);
}

void job_load(const struct job *job, struct job_result *result)
{
    const char *name;
    const char *table;
    int number;

    if (!job_need(job, "name", &name, result) || !job_need(job, "table", &table, result))
        return;
    number = load_table(name, table, job_flag(job, "readonly"));
    if (number == 0)
        result_ok(result, "loaded, resume makes it live");
    else
        result_error(result, number, "%s: load table", name);
}

static void name_and_call(const struct job *job, unsigned long request, uint32_t flags, struct job_result *result)
{
    const char *name;
    int number;

    if (!job_need(job, "name", &name, result))
        return;
    number = simple_call(name, request, flags);
    if (number == 0)
        result_ok(result, "%s", name);
    else
        result_error(result, number, "%s: %s", name, job->verb);
}

void job_suspend(const struct job *job, struct job_result *result)
{
    name_and_call(job, DM_DEV_SUSPEND, DM_SUSPEND_FLAG, result);
}

void job_resume(const struct job *job, struct job_result *result)
{
    name_and_call(job, DM_DEV_SUSPEND, 0, result);
}

void job_remove(const struct job *job, struct job_result *result)
{
    char path[DM_NAME_LEN + 32];

    name_and_call(job, DM_DEV_REMOVE, 0, result);
    if (!result->failed) {
        node_path(job_text(job, "name"), path, sizeof(path));
        (void)unlink(path);
    }
}

/* All targets' lines, with "; " between them, as dmsetup prints them. */
static int table_text(const char *name, uint32_t flags, char *text, size_t text_bytes)
{
    size_t used = 0;
    size_t at;
    int number = simple_call(name, DM_TABLE_STATUS, flags);

    if (number != 0)
        return number;
    if (call.header.flags & DM_BUFFER_FULL_FLAG)
        return E2BIG;
    at = call.header.data_start;
    text[0] = '\0';
    for (uint32_t i = 0; i < call.header.target_count && used < text_bytes; i++) {
        const struct dm_target_spec *spec = (const struct dm_target_spec *)(const void *)(call.bytes + at);
        const char *params = (const char *)spec + sizeof(*spec);
        int length = snprintf(text + used, text_bytes - used, "%s%llu %llu %s%s%s", i > 0 ? "; " : "",
                              (unsigned long long)spec->sector_start, (unsigned long long)spec->length,
                              spec->target_type, params[0] != '\0' ? " " : "", params);

        used += (size_t)length;
        at = call.header.data_start + spec->next;
    }
    return 0;
}

static void show_table(const struct job *job, uint32_t flags, struct job_result *result)
{
    char text[4096];
    const char *name;
    int number;

    if (!job_need(job, "name", &name, result))
        return;
    number = table_text(name, flags, text, sizeof(text));
    if (number == 0)
        result_ok(result, "%s", text);
    else
        result_error(result, number, "%s: %s", name, job->verb);
}

void job_status(const struct job *job, struct job_result *result)
{
    show_table(job, 0, result);
}

void job_table(const struct job *job, struct job_result *result)
{
    show_table(job, DM_STATUS_TABLE_FLAG, result);
}

void job_message(const struct job *job, struct job_result *result)
{
    struct dm_target_msg *message = (struct dm_target_msg *)(void *)(call.bytes + sizeof(call.header));
    const char *name;
    const char *text;
    int number;

    if (!job_need(job, "name", &name, result) || !job_need(job, "text", &text, result))
        return;
    call_begin(name);
    message->sector = 0;
    if (strlen(text) >= 4096)
        number = E2BIG;
    else {
        memcpy(message->message, text, strlen(text) + 1);
        number = call_make(DM_TARGET_MSG);
    }
    if (number == 0)
        result_ok(result, "%s", text);
    else
        result_error(result, number, "%s: message %s", name, text);
}

struct merge_goal {
    uint64_t keep_sectors; /* stop as soon as no more are allocated */
    uint64_t changes;      /* stop after this many different status lines */
    uint64_t timeout_ms;
    bool partial;
};

/* 0 with the last status line in `text`, and whether the merge is complete; or an errno. */
static int merge_wait(const char *name, const struct merge_goal *goal, char *text, size_t text_bytes, bool *done)
{
    const struct timespec pause = { .tv_nsec = 1000000 };
    uint64_t end_ms = job_now_ms() + goal->timeout_ms;
    uint64_t changes = 0;
    char before[4096] = "";

    for (;;) {
        unsigned long long allocated;
        unsigned long long total;
        unsigned long long metadata;
        int number = table_text(name, 0, text, text_bytes);

        if (number != 0)
            return number;
        if (sscanf(text, "%*u %*u snapshot-merge %llu/%llu %llu", &allocated, &total, &metadata) != 3)
            return EIO;
        *done = allocated == metadata;
        if (before[0] != '\0' && strcmp(before, text) != 0)
            changes++;
        (void)snprintf(before, sizeof(before), "%s", text);
        if (*done || (goal->partial && (allocated <= goal->keep_sectors || changes >= goal->changes)))
            return 0;
        if (job_now_ms() >= end_ms)
            return ETIMEDOUT;
        /* One run may take less than a tick: for a partial merge only give way, do not sleep. */
        if (goal->partial)
            (void)sched_yield();
        else
            (void)nanosleep(&pause, NULL);
    }
}

/*
 * With keep= or changes= the merge is stopped there by a suspend, which waits for the run in flight; then the
 * status is final and the device is removed.
 */
void job_wait_merge(const struct job *job, struct job_result *result)
{
    struct merge_goal goal = { .partial = job_text(job, "keep") || job_text(job, "changes") };
    char text[4096] = "";
    char path[DM_NAME_LEN + 32];
    bool done = false;
    const char *name;
    int number;

    if (!job_need(job, "name", &name, result) || !job_number(job, "keep", 0, &goal.keep_sectors, result) ||
        !job_number(job, "changes", UINT64_MAX, &goal.changes, result) ||
        !job_number(job, "timeout", 60000, &goal.timeout_ms, result))
        return;
    number = merge_wait(name, &goal, text, sizeof(text), &done);
    if (number == 0 && goal.partial) {
        number = simple_call(name, DM_DEV_SUSPEND, DM_SUSPEND_FLAG);
        if (number == 0)
            number = table_text(name, DM_NOFLUSH_FLAG, text, sizeof(text));
        if (number == 0)
            number = simple_call(name, DM_DEV_REMOVE, 0);
        node_path(name, path, sizeof(path));
        (void)unlink(path);
    }
    if (number == 0)
        result_ok(result, "%s %s", goal.partial ? "stopped" : "merged", text);
    else
        result_error(result, number, "%s: %s", name, text);
}

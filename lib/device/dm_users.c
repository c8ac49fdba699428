/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks device-mapper through libdevmapper which targets use a device. */
#include "lib/device/dm_users.h"

#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CONTROL_PATH "/dev/mapper/control"

static void log_nothing(int level, const char *file, int line, int dm_errno_or_class, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
static void log_nothing(int level, const char *file, int line, int dm_errno_or_class, const char *format, ...)
{
    (void)level;
    (void)file;
    (void)line;
    (void)dm_errno_or_class;
    (void)format;
}

/* Whether the running kernel has registered device-mapper, and under which minor number of the misc devices. */
static bool registered_minor(unsigned *minor_number)
{
    char name[64];
    unsigned value;
    bool found = false;
    FILE *misc = fopen("/proc/misc", "re");

    while (misc && !found && fscanf(misc, "%u %63s", &value, name) == 2)
        found = strcmp(name, "device-mapper") == 0;
    if (misc)
        (void)fclose(misc); /* was only read */
    if (found)
        *minor_number = value;
    return found;
}

/*
 * Returns 0 where device-mapper answers, ENODEV where there is none, else why it may not be asked. Comes before
 * any use of libdevmapper, which would make a missing control node, and replace one that it thinks wrong.
 */
static int control_errno(void)
{
    unsigned minor_number;
    struct stat st;
    int open_errno = 0;
    int fd = open(CONTROL_PATH, O_RDWR | O_CLOEXEC); /* loads the module where that is possible */

    if (fd < 0)
        open_errno = errno;
    else
        (void)close(fd); /* nothing was asked of it */
    if (open_errno == ENOENT || open_errno == ENODEV || open_errno == ENXIO || open_errno == ENOTDIR ||
        !registered_minor(&minor_number))
        return ENODEV;
    if (open_errno == 0 &&
        (stat(CONTROL_PATH, &st) != 0 || !S_ISCHR(st.st_mode) || minor(st.st_rdev) != minor_number))
        return ENODEV;
    return open_errno;
}

bool snap_dm_users_available(void)
{
    int reason = control_errno();

    return reason == 0 || reason == EACCES || reason == EPERM;
}

/* True where one of the words of `params` is exactly this device's "major:minor". */
static bool params_name_device(const char *params, uint64_t device_number)
{
    char word[32];
    size_t length = (size_t)snprintf(word, sizeof word, "%u:%u", major(device_number), minor(device_number));

    while (*params) {
        size_t word_length = strcspn(params, " ");

        if (word_length == length && memcmp(params, word, length) == 0)
            return true;
        params += word_length;
        params += strspn(params, " ");
    }
    return false;
}

/* A crypt or integrity table holds keys: those are not handed out. */
static bool params_are_secret(const char *target_type)
{
    return strcmp(target_type, "crypt") == 0 || strcmp(target_type, "integrity") == 0;
}

static enum snap_status fail_task(struct dm_task *task, const char *what, struct snap_error *err)
{
    int reason = task ? dm_task_get_errno(task) : 0;

    return snap_fail_errno(err, reason ? reason : EIO, "device-mapper: %s failed", what);
}

static enum snap_status report_targets(struct dm_task *task, struct snap_dm_user *user, uint64_t device_number,
                                       snap_dm_user_fn fn, void *context, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    void *next = NULL;

    do {
        uint64_t start_sectors = 0, length_sectors = 0;
        char *target_type = NULL, *params = NULL;

        next = dm_get_next_target(task, next, &start_sectors, &length_sectors, &target_type, &params);
        if (!target_type || !params || !params_name_device(params, device_number))
            continue;
        user->start_sectors = start_sectors;
        user->length_sectors = length_sectors;
        (void)snprintf(user->target_type, sizeof user->target_type, "%s", target_type);
        (void)snprintf(user->params, sizeof user->params, "%s", params_are_secret(target_type) ? "" : params);
        status = fn(context, user, err);
    } while (next && status == SNAP_OK);
    return status;
}

static enum snap_status ask_device(const struct dm_names *entry, uint64_t device_number, snap_dm_user_fn fn,
                                   void *context, struct snap_error *err)
{
    struct snap_dm_user user = {.major = major(entry->dev), .minor = minor(entry->dev)};
    enum snap_status status = SNAP_OK;
    struct dm_task *task = dm_task_create(DM_DEVICE_TABLE);
    struct dm_info info;
    const char *text;

    /* By number: names may change meanwhile. */
    if (!task || !dm_task_set_major_minor(task, (int)user.major, (int)user.minor, 0) ||
        !dm_task_secure_data(task) || !dm_task_no_open_count(task)) {
        status = snap_fail(err, SNAP_E_NOMEM, "device-mapper: no memory to ask for a table");
        goto out;
    }
    if (!dm_task_run(task)) {
        /* It went away between the list and now. */
        if (dm_task_get_errno(task) != ENXIO)
            status = fail_task(task, "asking for a table", err);
        goto out;
    }
    if (!dm_task_get_info(task, &info)) {
        status = fail_task(task, "asking for a table", err);
        goto out;
    }
    if (!info.exists)
        goto out;
    text = dm_task_get_name(task);
    (void)snprintf(user.name, sizeof user.name, "%s", text ? text : "");
    text = dm_task_get_uuid(task);
    (void)snprintf(user.uuid, sizeof user.uuid, "%s", text ? text : "");
    status = report_targets(task, &user, device_number, fn, context, err);
out:
    if (task)
        dm_task_destroy(task);
    return status;
}

static enum snap_status ask_all_devices(uint64_t device_number, snap_dm_user_fn fn, void *context,
                                        struct snap_error *err)
{
    struct dm_task *task = dm_task_create(DM_DEVICE_LIST);
    enum snap_status status = SNAP_OK;
    struct dm_names *entry;

    if (!task)
        return snap_fail(err, SNAP_E_NOMEM, "device-mapper: no memory to ask for the list of devices");
    entry = dm_task_run(task) ? dm_task_get_names(task) : NULL;
    if (!entry)
        status = fail_task(task, "asking for the list of devices", err);
    /* An empty list has one entry without a device; `next` is the offset from an entry to the one behind it. */
    while (entry && entry->dev && status == SNAP_OK) {
        status = ask_device(entry, device_number, fn, context, err);
        entry = entry->next ? (struct dm_names *)(void *)((char *)entry + entry->next) : NULL;
    }
    dm_task_destroy(task);
    return status;
}

enum snap_status snap_dm_users(uint64_t device_number, snap_dm_user_fn fn, void *context, struct snap_error *err)
{
    enum snap_status status;
    int reason = control_errno();

    if (reason == ENODEV)
        return SNAP_OK;
    if (reason)
        return snap_fail_errno(err, reason, "device-mapper: cannot open %s", CONTROL_PATH);
    dm_log_with_errno_init(log_nothing);
    status = ask_all_devices(device_number, fn, context, err);
    dm_lib_release(); /* closes the control node */
    return status;
}

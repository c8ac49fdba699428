/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks device-mapper through libdevmapper, device by device, for tables and status. */
#include "lib/device/dm_tables.h"

#include "lib/device/dm_tables_private.h"

#include <errno.h>
#include <fcntl.h>
#include <libdevmapper.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define CONTROL_PATH "/dev/mapper/control"
#define LOOKS_MAX 5 /* at a device whose table is exchanged again and again */

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

bool snap_dm_tables_available(void)
{
    int reason = control_errno();

    return reason == 0 || reason == EACCES || reason == EPERM;
}

/* Tables of crypt and integrity hold keys: those are not handed out. */
static bool params_are_secret(const char *target_type)
{
    return strcmp(target_type, "crypt") == 0 || strcmp(target_type, "integrity") == 0;
}

static enum snap_status fail_memory(struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM, "device-mapper: no memory to ask for a table");
}

static enum snap_status fail_task(struct dm_task *task, const char *what, struct snap_error *err)
{
    int reason = task ? dm_task_get_errno(task) : 0;

    return snap_fail_errno(err, reason ? reason : EIO, "device-mapper: %s failed", what);
}

static void free_table(struct snap_dm_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        free(table->targets[i].params);
        free(table->targets[i].status);
    }
    free(table->targets);
    *table = (struct snap_dm_table){.count = 0};
}

/* One more target of what the task has brought. `params` is its table, or its status. */
static enum snap_status add_target(struct snap_dm_table *table, uint64_t start_sectors, uint64_t length_sectors,
                                   const char *type, const char *params, struct snap_error *err)
{
    struct snap_dm_target *grown = reallocarray(table->targets, table->count + 1, sizeof *grown);
    struct snap_dm_target target = {.start_sectors = start_sectors, .length_sectors = length_sectors};

    if (!grown)
        return fail_memory(err);
    table->targets = grown;
    (void)snprintf(target.type, sizeof target.type, "%s", type);
    target.params = strdup(params_are_secret(type) ? "" : params);
    if (!target.params)
        return fail_memory(err);
    table->targets[table->count++] = target;
    return SNAP_OK;
}

static enum snap_status take_targets(struct dm_task *task, struct snap_dm_table *table, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    void *next = NULL;

    do {
        uint64_t start_sectors = 0, length_sectors = 0;
        char *type = NULL, *params = NULL;

        next = dm_get_next_target(task, next, &start_sectors, &length_sectors, &type, &params);
        if (type && params)
            status = add_target(table, start_sectors, length_sectors, type, params, err);
    } while (next && status == SNAP_OK);
    return status;
}

static void take_names(struct dm_task *task, const struct dm_info *info, struct snap_dm_device *device)
{
    const char *text = dm_task_get_name(task);

    (void)snprintf(device->name, sizeof device->name, "%s", text ? text : "");
    text = dm_task_get_uuid(task);
    (void)snprintf(device->uuid, sizeof device->uuid, "%s", text ? text : "");
    device->suspended = info->suspended != 0;
    device->read_only = info->read_only != 0;
}

/* Runs one request about a device, by its number: names may change meanwhile. *exists is false where it is gone. */
static enum snap_status ask(int type, bool inactive, struct snap_dm_device *device, struct snap_dm_table *table,
                            bool *exists, bool *inactive_loaded, struct snap_error *err)
{
    struct dm_task *task = dm_task_create(type);
    enum snap_status status = SNAP_OK;
    struct dm_info info = {.exists = 0};

    *exists = false;
    if (!task || !dm_task_set_major_minor(task, (int)major(device->number), (int)minor(device->number), 0) ||
        !dm_task_secure_data(task) || !dm_task_no_open_count(task) || !dm_task_no_flush(task) ||
        (inactive && !dm_task_query_inactive_table(task)))
        status = fail_memory(err);
    else if (!dm_task_run(task)) {
        /* ENXIO: it went away between the list and now. */
        if (dm_task_get_errno(task) != ENXIO)
            status = fail_task(task, "asking for a table", err);
    } else if (!dm_task_get_info(task, &info))
        status = fail_task(task, "asking for a table", err);
    if (status == SNAP_OK && info.exists) {
        *exists = true;
        *inactive_loaded = info.inactive_table != 0;
        take_names(task, &info, device);
        status = take_targets(task, table, err);
    }
    if (task)
        dm_task_destroy(task);
    return status;
}

/* Whether both are of the same table, as far as it can be seen; then each status goes to its target. */
static bool join_status(struct snap_dm_table *table, struct snap_dm_table *states)
{
    bool same = table->count == states->count;

    for (size_t i = 0; i < table->count && same; i++) {
        const struct snap_dm_target *a = &table->targets[i], *b = &states->targets[i];

        same = a->start_sectors == b->start_sectors && a->length_sectors == b->length_sectors &&
               strcmp(a->type, b->type) == 0;
    }
    for (size_t i = 0; i < table->count && same; i++) {
        table->targets[i].status = states->targets[i].params;
        states->targets[i].params = NULL;
    }
    return same;
}

/* One look; *same is false where the table was exchanged between two requests. */
static enum snap_status look(unsigned more, struct snap_dm_device *device, bool *exists, bool *same,
                             struct snap_error *err)
{
    struct snap_dm_table states = {.count = 0};
    bool loaded = false;
    enum snap_status status = ask(DM_DEVICE_TABLE, false, device, &device->active, exists, &loaded, err);

    *same = true;
    if (status == SNAP_OK && *exists && (more & SNAP_DM_TABLES_STATUS) != 0) {
        status = ask(DM_DEVICE_STATUS, false, device, &states, exists, &loaded, err);
        *same = status != SNAP_OK || !*exists || join_status(&device->active, &states);
    }
    if (status == SNAP_OK && *exists && *same && loaded && (more & SNAP_DM_TABLES_INACTIVE) != 0)
        status = ask(DM_DEVICE_TABLE, true, device, &device->inactive, exists, &loaded, err);
    free_table(&states);
    return status;
}

static void forget(struct snap_dm_device *device)
{
    free_table(&device->active);
    free_table(&device->inactive);
}

/* *exists is false where the device is gone. What cannot be read is a fact about the device, not a failure. */
static enum snap_status read_device(unsigned more, struct snap_dm_device *device, bool *exists,
                                    struct snap_error *err)
{
    struct snap_error why = {.status = SNAP_OK};
    bool same = true;

    for (unsigned i = 0; i < LOOKS_MAX; i++) {
        forget(device);
        device->status = look(more, device, exists, &same, &why);
        if (device->status != SNAP_OK || !*exists || same)
            break;
    }
    if (device->status == SNAP_E_NOMEM)
        return snap_fail(err, SNAP_E_NOMEM, "%s", why.text);
    if (device->status == SNAP_OK && *exists && !same)
        device->status = snap_fail(&why, SNAP_E_BUSY, "its table was exchanged each time it was read");
    if (device->status != SNAP_OK) {
        forget(device);
        *exists = true;
        (void)snprintf(device->reason, sizeof device->reason, "%.*s", (int)sizeof device->reason - 1, why.text);
    }
    return SNAP_OK;
}

static enum snap_status add_device(uint64_t number, const char *name, unsigned more, struct snap_dm_tables *tables,
                                   struct snap_error *err)
{
    struct snap_dm_device *grown = reallocarray(tables->devices, tables->count + 1, sizeof *grown);
    struct snap_dm_device device = {.number = number};
    enum snap_status status;
    bool exists;

    if (!grown)
        return fail_memory(err);
    tables->devices = grown;
    (void)snprintf(device.name, sizeof device.name, "%s", name);
    status = read_device(more, &device, &exists, err);
    if (status == SNAP_OK && exists)
        tables->devices[tables->count++] = device;
    else
        forget(&device);
    return status;
}

static enum snap_status read_all(unsigned more, struct snap_dm_tables *tables, struct snap_error *err)
{
    struct dm_task *task = dm_task_create(DM_DEVICE_LIST);
    enum snap_status status = SNAP_OK;
    struct dm_names *entry;

    if (!task)
        return fail_memory(err);
    entry = dm_task_run(task) ? dm_task_get_names(task) : NULL;
    if (!entry)
        status = fail_task(task, "asking for the list of devices", err);
    /* An empty list has one entry without a device; `next` is the offset from an entry to the one behind it. */
    while (entry && entry->dev && status == SNAP_OK) {
        status = add_device(entry->dev, entry->name, more, tables, err);
        entry = entry->next ? (struct dm_names *)(void *)((char *)entry + entry->next) : NULL;
    }
    dm_task_destroy(task);
    return status;
}

static int by_number(const void *a, const void *b)
{
    const struct snap_dm_device *first = a, *second = b;

    return first->number < second->number ? -1 : first->number > second->number;
}

enum snap_status snap_dm_tables_open(struct snap_error *err)
{
    int reason = control_errno();

    if (reason == ENODEV)
        return snap_fail(err, SNAP_E_NOENT, "this kernel has no device-mapper");
    if (reason)
        return snap_fail_errno(err, reason, "device-mapper: cannot open %s", CONTROL_PATH);
    dm_log_with_errno_init(log_nothing);
    return SNAP_OK;
}

enum snap_status snap_dm_tables_read(unsigned more, struct snap_dm_tables *tables, struct snap_error *err)
{
    enum snap_status status = snap_dm_tables_open(err);

    *tables = (struct snap_dm_tables){.count = 0};
    if (status != SNAP_OK)
        return status;
    status = read_all(more, tables, err);
    dm_lib_release(); /* closes the control node */
    if (tables->count > 0)
        qsort(tables->devices, tables->count, sizeof *tables->devices, by_number);
    return status;
}

enum snap_status snap_dm_tables_read_one(uint64_t device_number, unsigned more, struct snap_dm_tables *tables,
                                         struct snap_error *err)
{
    enum snap_status status = snap_dm_tables_open(err);

    *tables = (struct snap_dm_tables){.count = 0};
    if (status != SNAP_OK)
        return status;
    status = add_device(device_number, "", more, tables, err);
    dm_lib_release(); /* closes the control node */
    return status;
}

void snap_dm_tables_free(struct snap_dm_tables *tables)
{
    for (size_t i = 0; i < tables->count; i++)
        forget(&tables->devices[i]);
    free(tables->devices);
    *tables = (struct snap_dm_tables){.count = 0};
}

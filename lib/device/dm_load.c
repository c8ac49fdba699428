/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells device-mapper, through libdevmapper, what to do; waits for udev where it runs. */
#include "config.h"

#include "lib/device/dm_load.h"

#include "lib/base/clock.h"
#include "lib/device/dm_tables.h"
#include "lib/device/dm_tables_private.h"

#include <errno.h>
#include <libdevmapper.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#define UDEV_SECONDS_MAX 30u
#define UDEV_PAUSE_NS 5000000u

enum snap_status snap_dm_load_possible(struct snap_error *err)
{
    enum snap_status status = snap_dm_tables_open(err);

    if (status == SNAP_E_NOENT)
        return snap_fail(err, SNAP_E_UNSUPPORTED, "this kernel has no device-mapper");
    return status;
}

enum snap_status snap_dm_load_free(const char *name, const char *uuid, char taken[128], struct snap_error *err)
{
    struct snap_dm_tables tables = {.count = 0};
    enum snap_status status = snap_dm_load_check_name(name, err);

    taken[0] = '\0';
    if (status == SNAP_OK)
        status = snap_dm_load_possible(err);
    if (status == SNAP_OK)
        status = snap_dm_tables_read(0, &tables, err);
    for (size_t i = 0; i < tables.count && status == SNAP_OK; i++) {
        const struct snap_dm_device *device = &tables.devices[i];

        if (strcmp(device->name, name) == 0)
            status = snap_fail(err, SNAP_E_REFUSED, "there is a device of the name %s already", name);
        else if (uuid[0] != '\0' && strcmp(device->uuid, uuid) == 0)
            status = snap_fail(err, SNAP_E_REFUSED, "its UUID %s belongs to %s, so it, or a copy of it, is active "
                               "already", uuid, device->name);
        if (status == SNAP_E_REFUSED)
            (void)snprintf(taken, sizeof device->name, "%s", device->name);
    }
    snap_dm_tables_free(&tables);
    return status;
}

/* True: udev has done its part, or does not run. False: it does not answer. */
static bool wait_for_udev(uint32_t cookie)
{
#ifdef HAVE_DM_UDEV_WAIT_IMMEDIATE
    const struct snap_clock *clock = &snap_clock_system;
    const uint64_t end_ns = clock->now_ns(clock->context) + UDEV_SECONDS_MAX * UINT64_C(1000000000);
    int ready = 0;

    if (cookie == 0)
        return true;
    while (dm_udev_wait_immediate(cookie, &ready) != 0 && !ready) {
        if (clock->now_ns(clock->context) >= end_ns) {
            (void)dm_udev_complete(cookie); /* in the place of udev: the library then removes the semaphore */
            (void)dm_udev_wait_immediate(cookie, &ready);
            return false;
        }
        clock->sleep_ns(clock->context, UDEV_PAUSE_NS);
    }
    return true;
#else
    return cookie == 0 || dm_udev_wait(cookie) != 0;
#endif
}

/* What udev has not made, the library makes. */
static void make_nodes(struct dm_task *task)
{
    struct dm_task *nodes = dm_task_create(DM_DEVICE_MKNODES);
    const char *name = dm_task_get_name(task);

    if (nodes && name && dm_task_set_name(nodes, name))
        (void)dm_task_run(nodes);
    if (nodes)
        dm_task_destroy(nodes);
}

/*
 * Runs the task and releases it. `events`: nodes change, so udev is waited for. NULL is a task for which there was no
 * memory.
 */
static enum snap_status run(struct dm_task *task, bool complete, bool events, const char *what, uint64_t *device_number,
                            struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    struct dm_info info = {.exists = 0};
    uint32_t cookie = 0;
    int reason;

    if (!task || !complete || (events && !dm_task_set_cookie(task, &cookie, 0))) {
        status = snap_fail(err, SNAP_E_NOMEM, "device-mapper: no memory, or no semaphore, to %s", what);
    } else if (!dm_task_run(task)) {
        reason = dm_task_get_errno(task);
        status = snap_fail_errno(err, reason ? reason : EIO, "device-mapper: cannot %s (dmesg may say more)", what);
    } else if (device_number) {
        if (dm_task_get_info(task, &info) && info.exists)
            *device_number = makedev(info.major, info.minor);
        else
            status = snap_fail(err, SNAP_E_IO, "device-mapper: cannot %s: it went away", what);
    }
    if (!wait_for_udev(cookie) && status == SNAP_OK)
        make_nodes(task);
    dm_task_update_nodes();
    if (task)
        dm_task_destroy(task);
    dm_lib_release(); /* closes the control node */
    return status;
}

static struct dm_task *task_about(int type, uint64_t device_number, bool *complete)
{
    struct dm_task *task = dm_task_create(type);

    *complete = task && dm_task_set_major_minor(task, (int)major(device_number), (int)minor(device_number), 0);
    return task;
}

static bool add_table(struct dm_task *task, const struct snap_dm_load_table *table)
{
    return dm_task_add_target(task, 0, table->sectors, table->type, table->params) &&
           (!table->read_only || dm_task_set_ro(task));
}

/* The node appears with the resume, where udev does not make it: the library knows it by the name of the device. */
static enum snap_status named(int type, const char *name, const char *uuid, const char *what, uint64_t *device_number,
                              struct snap_error *err)
{
    struct dm_task *task = dm_task_create(type);
    const bool complete = task && dm_task_set_name(task, name) && (uuid[0] == '\0' || dm_task_set_uuid(task, uuid)) &&
                          dm_task_set_add_node(task, DM_ADD_NODE_ON_RESUME);

    return run(task, complete, type == DM_DEVICE_RESUME, what, device_number, err);
}

/* In three steps: where the library does all of them at once, the reason of the kernel is lost. */
enum snap_status snap_dm_load_create(const char *name, const char *uuid, const struct snap_dm_load_table *table,
                                     uint64_t *device_number, struct snap_error *err)
{
    struct snap_error left;
    enum snap_status status = snap_dm_load_check_name(name, err);

    *device_number = 0;
    if (status == SNAP_OK)
        status = snap_dm_load_possible(err);
    if (status == SNAP_OK)
        status = named(DM_DEVICE_CREATE, name, uuid, "make the device", device_number, err);
    if (status != SNAP_OK)
        return snap_fail_prefix(err, status, "%s", name);
    status = snap_dm_load_reload(*device_number, table, err);
    if (status == SNAP_OK)
        status = named(DM_DEVICE_RESUME, name, "", "resume the device", NULL, err);
    if (status == SNAP_OK)
        return status;
    if (snap_dm_load_remove(*device_number, &left) != SNAP_OK)
        return snap_fail_prefix(err, status, "%s was made and cannot be removed again (%s)", name, left.text);
    return snap_fail_prefix(err, status, "%s", name);
}

enum snap_status snap_dm_load_reload(uint64_t device_number, const struct snap_dm_load_table *table,
                                     struct snap_error *err)
{
    enum snap_status status = snap_dm_load_possible(err);
    struct dm_task *task;
    bool complete;

    if (status != SNAP_OK)
        return status;
    task = task_about(DM_DEVICE_RELOAD, device_number, &complete);
    complete = complete && add_table(task, table);
    return run(task, complete, false, "load the table", NULL, err);
}

/* Requests that need nothing but the device. */
static enum snap_status simple(int type, uint64_t device_number, bool events, const char *what, struct snap_error *err)
{
    enum snap_status status = snap_dm_load_possible(err);
    struct dm_task *task;
    bool complete;

    if (status != SNAP_OK)
        return status;
    task = task_about(type, device_number, &complete);
    return run(task, complete, events, what, NULL, err);
}

enum snap_status snap_dm_load_clear(uint64_t device_number, struct snap_error *err)
{
    return simple(DM_DEVICE_CLEAR, device_number, false, "take the table back", err);
}

enum snap_status snap_dm_load_suspend(uint64_t device_number, struct snap_error *err)
{
    return simple(DM_DEVICE_SUSPEND, device_number, false, "suspend the device", err);
}

enum snap_status snap_dm_load_resume(uint64_t device_number, struct snap_error *err)
{
    return simple(DM_DEVICE_RESUME, device_number, true, "resume the device", err);
}

/* By its name: the library knows by that which node goes away, where udev does not do it. */
enum snap_status snap_dm_load_remove(uint64_t device_number, struct snap_error *err)
{
    struct snap_dm_tables tables = {.count = 0};
    struct dm_task *task;
    bool complete;
    enum snap_status status = snap_dm_load_possible(err);

    if (status == SNAP_OK)
        status = snap_dm_tables_read_one(device_number, 0, &tables, err);
    if (status == SNAP_OK && tables.count == 0)
        status = snap_fail(err, SNAP_E_NOENT, "device-mapper: the device is not there any more");
    if (status == SNAP_OK) {
        task = dm_task_create(DM_DEVICE_REMOVE);
        complete = task && dm_task_set_name(task, tables.devices[0].name) && dm_task_retry_remove(task);
        status = run(task, complete, true, "remove the device", NULL, err);
    }
    snap_dm_tables_free(&tables);
    return status;
}

enum snap_status snap_dm_load_open_count(uint64_t device_number, unsigned *count, struct snap_error *err)
{
    enum snap_status status = snap_dm_load_possible(err);
    struct dm_info info = {.exists = 0};
    struct dm_task *task;
    bool complete;

    *count = 0;
    if (status != SNAP_OK)
        return status;
    task = task_about(DM_DEVICE_INFO, device_number, &complete);
    if (!complete || !dm_task_run(task) || !dm_task_get_info(task, &info) || !info.exists)
        status = snap_fail(err, SNAP_E_NOENT, "device-mapper: the device is not there any more");
    else
        *count = (unsigned)info.open_count;
    if (task)
        dm_task_destroy(task);
    dm_lib_release();
    return status;
}

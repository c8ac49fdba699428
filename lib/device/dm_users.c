/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks through the tables of device-mapper for a device. */
#include "lib/device/dm_users.h"

#include "lib/device/dm_tables.h"

#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

bool snap_dm_users_available(void)
{
    return snap_dm_tables_available();
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

static enum snap_status report_targets(const struct snap_dm_device *device, bool waits, uint64_t device_number,
                                       snap_dm_user_fn fn, void *context, struct snap_error *err)
{
    const struct snap_dm_table *table = waits ? &device->inactive : &device->active;
    struct snap_dm_user user = {.major = major(device->number), .minor = minor(device->number), .waits = waits};
    enum snap_status status = SNAP_OK;

    (void)snprintf(user.name, sizeof user.name, "%s", device->name);
    (void)snprintf(user.uuid, sizeof user.uuid, "%s", device->uuid);
    for (size_t i = 0; i < table->count && status == SNAP_OK; i++) {
        const struct snap_dm_target *target = &table->targets[i];

        if (!params_name_device(target->params, device_number))
            continue;
        user.start_sectors = target->start_sectors;
        user.length_sectors = target->length_sectors;
        (void)snprintf(user.target_type, sizeof user.target_type, "%s", target->type);
        (void)snprintf(user.params, sizeof user.params, "%s", target->params);
        status = fn(context, &user, err);
    }
    return status;
}

static enum snap_status walk(unsigned more, uint64_t device_number, snap_dm_user_fn fn, void *context,
                             struct snap_error *err)
{
    struct snap_dm_tables tables;
    struct snap_error why;
    enum snap_status status = snap_dm_tables_read(more, &tables, &why);

    if (status == SNAP_E_NOENT) /* no device-mapper, so no user */
        status = SNAP_OK;
    else if (status != SNAP_OK && err)
        *err = why;
    for (size_t i = 0; i < tables.count && status == SNAP_OK; i++) {
        const struct snap_dm_device *device = &tables.devices[i];

        status = device->status == SNAP_OK ? report_targets(device, false, device_number, fn, context, err)
                                           : snap_fail(err, device->status, "%s", device->reason);
        if (status == SNAP_OK)
            status = report_targets(device, true, device_number, fn, context, err);
    }
    snap_dm_tables_free(&tables);
    return status;
}

enum snap_status snap_dm_users(uint64_t device_number, snap_dm_user_fn fn, void *context, struct snap_error *err)
{
    return walk(0, device_number, fn, context, err);
}

enum snap_status snap_dm_users_loaded(uint64_t device_number, snap_dm_user_fn fn, void *context,
                                      struct snap_error *err)
{
    return walk(SNAP_DM_TABLES_INACTIVE, device_number, fn, context, err);
}

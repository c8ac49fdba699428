/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables for device-mapper in a build without libdevmapper: there is nobody to give them to. */
#include "lib/device/dm_load.h"

static enum snap_status fail(struct snap_error *err)
{
    return snap_fail(err, SNAP_E_UNSUPPORTED, "this build lacks libdevmapper");
}

enum snap_status snap_dm_load_possible(struct snap_error *err)
{
    return fail(err);
}

enum snap_status snap_dm_load_free(const char *name, const char *uuid, char taken[128], struct snap_error *err)
{
    const enum snap_status status = snap_dm_load_check_name(name, err);

    (void)uuid;
    taken[0] = '\0';
    return status == SNAP_OK ? fail(err) : status;
}

enum snap_status snap_dm_load_create(const char *name, const char *uuid, const struct snap_dm_load_table *table,
                                     uint64_t *device_number, struct snap_error *err)
{
    (void)name;
    (void)uuid;
    (void)table;
    *device_number = 0;
    return fail(err);
}

enum snap_status snap_dm_load_reload(uint64_t device_number, const struct snap_dm_load_table *table,
                                     struct snap_error *err)
{
    (void)device_number;
    (void)table;
    return fail(err);
}

enum snap_status snap_dm_load_clear(uint64_t device_number, struct snap_error *err)
{
    (void)device_number;
    return fail(err);
}

enum snap_status snap_dm_load_suspend(uint64_t device_number, struct snap_error *err)
{
    (void)device_number;
    return fail(err);
}

enum snap_status snap_dm_load_resume(uint64_t device_number, struct snap_error *err)
{
    (void)device_number;
    return fail(err);
}

enum snap_status snap_dm_load_remove(uint64_t device_number, struct snap_error *err)
{
    (void)device_number;
    return fail(err);
}

enum snap_status snap_dm_load_open_count(uint64_t device_number, unsigned *count, struct snap_error *err)
{
    (void)device_number;
    *count = 0;
    return fail(err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who uses a device with which table, in a build without libdevmapper: nobody can tell. */
#include "lib/device/dm_users.h"

bool snap_dm_users_available(void)
{
    return false;
}

enum snap_status snap_dm_users(uint64_t device_number, snap_dm_user_fn fn, void *context, struct snap_error *err)
{
    (void)device_number;
    (void)fn;
    (void)context;
    return snap_fail(err, SNAP_E_UNSUPPORTED, "this build lacks libdevmapper");
}

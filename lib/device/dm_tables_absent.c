/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of device-mapper in a build without libdevmapper: nobody can tell. */
#include "lib/device/dm_tables.h"

bool snap_dm_tables_available(void)
{
    return false;
}

enum snap_status snap_dm_tables_read(unsigned more, struct snap_dm_tables *tables, struct snap_error *err)
{
    (void)more;
    *tables = (struct snap_dm_tables){.count = 0};
    return snap_fail(err, SNAP_E_UNSUPPORTED, "this build lacks libdevmapper");
}

enum snap_status snap_dm_tables_read_one(uint64_t device_number, unsigned more, struct snap_dm_tables *tables,
                                         struct snap_error *err)
{
    (void)device_number;
    return snap_dm_tables_read(more, tables, err);
}

void snap_dm_tables_free(struct snap_dm_tables *tables)
{
    *tables = (struct snap_dm_tables){.count = 0};
}

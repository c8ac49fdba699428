/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices of device-mapper with their tables and their status; the only one that asks libdevmapper for them. */
#ifndef DMSNAP_DEVICE_DM_TABLES
#define DMSNAP_DEVICE_DM_TABLES

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snap_dm_target {
    char type[32]; /* "snapshot", "linear", ... */
    uint64_t start_sectors, length_sectors;
    char *params;  /* of the table; empty for targets that have keys there */
    char *status;  /* NULL where it was not asked for */
};

struct snap_dm_table {
    struct snap_dm_target *targets;
    size_t count; /* 0: there is no such table */
};

struct snap_dm_device {
    char name[128], uuid[136];
    uint64_t number; /* as a dev_t */
    bool suspended, read_only;
    struct snap_dm_table active, inactive; /* inactive: loaded, and takes effect with the next resume */
    enum snap_status status;               /* not SNAP_OK: its tables could not be read, `reason` says why */
    char reason[256];
};

struct snap_dm_tables {
    struct snap_dm_device *devices; /* by their numbers */
    size_t count;
};

/* What is read besides the active tables; values for `more` are sums of them. */
#define SNAP_DM_TABLES_STATUS 1u   /* the status of each active target, which belongs to the table beside it */
#define SNAP_DM_TABLES_INACTIVE 2u

/*
 * Reads all devices. Nothing is opened but the control node, nothing is changed, and udev is not waited for. A device
 * that goes away meanwhile is left out; one whose tables cannot be read is in the list, and says so. SNAP_E_NOENT: this
 * kernel has no device-mapper; SNAP_E_PERM: the control node may not be opened; SNAP_E_UNSUPPORTED: this build lacks
 * libdevmapper; SNAP_E_NOMEM, SNAP_E_IO. snap_dm_tables_free also after a failure.
 */
enum snap_status snap_dm_tables_read(unsigned more, struct snap_dm_tables *tables, struct snap_error *err);

/* The same for one device, by its number: an empty list where it is not there any more. */
enum snap_status snap_dm_tables_read_one(uint64_t device_number, unsigned more, struct snap_dm_tables *tables,
                                         struct snap_error *err);

void snap_dm_tables_free(struct snap_dm_tables *tables);

/*
 * Whether this kernel has device-mapper at all (its control node is there, also where it may not be opened); false in a
 * build without libdevmapper.
 */
bool snap_dm_tables_available(void);

#endif

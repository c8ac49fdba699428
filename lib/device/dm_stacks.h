/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the snapshot targets among the tables of device-mapper, ordered by their origins. */
#ifndef DMSNAP_DEVICE_DM_STACKS
#define DMSNAP_DEVICE_DM_STACKS

#include "lib/base/error.h"
#include "lib/device/dm_status.h"
#include "lib/device/dm_tables.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In the order in which they stand below an origin. */
enum snap_dm_stacks_role { SNAP_DM_STACKS_ORIGIN, SNAP_DM_STACKS_MERGE, SNAP_DM_STACKS_SNAPSHOT };

/* One target `snapshot-origin`, `snapshot-merge` or `snapshot`. */
struct snap_dm_stacks_use {
    const struct snap_dm_device *device;
    const struct snap_dm_target *target;
    enum snap_dm_stacks_role role;
    bool active;                       /* false: its table is loaded, and takes effect with the next resume */
    bool table_known;                  /* false: nobody can tell what its table means; the next two are 0 then */
    uint64_t origin_number;
    struct snap_dm_status_table table; /* of snapshot and snapshot-merge */
    bool status_known;                 /* that of an active snapshot or snapshot-merge was understood */
    struct snap_dm_status status;
    size_t store_users;                /* how many active targets use its store: more than 1 is a mistake */
};

struct snap_dm_stacks {
    struct snap_dm_stacks_use *uses; /* by origin, role and name; active tables first; unknown tables at the end */
    size_t count;
};

/* `tables` is borrowed until the stacks are freed. SNAP_E_NOMEM. */
enum snap_status snap_dm_stacks_find(const struct snap_dm_tables *tables, struct snap_dm_stacks *stacks,
                                     struct snap_error *err);

void snap_dm_stacks_free(struct snap_dm_stacks *stacks);

/* Whether a target of this type is one that the stacks have. */
bool snap_dm_stacks_has_type(const char *type);

/* Whether a merge of this target is under way: it is active, runs, and has something left. */
bool snap_dm_stacks_is_merging(const struct snap_dm_stacks_use *use);

#endif

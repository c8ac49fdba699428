/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running kernel tells of its snapshots and of what is around them, gathered once. */
#ifndef DMSNAP_TOOLS_INSPECT_RUNNING
#define DMSNAP_TOOLS_INSPECT_RUNNING

#include "lib/base/error.h"
#include "lib/device/dm_stacks.h"
#include "lib/device/dm_tables.h"
#include "lib/device/mounted.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Something that could not be read: a device-mapper name or another one, and the reason. */
struct inspect_running_unread {
    char name[136];
    char reason[300];
};

/* A loop device over a block device, which sysfs does not count among the holders of that device. */
struct inspect_running_loop {
    uint64_t loop, shown;
};

/* How fast a merge is: what two looks have seen. */
struct inspect_running_rate {
    bool known;
    uint64_t bytes_per_second;
};

struct inspect_running {
    struct snap_dm_tables tables;
    struct snap_dm_stacks stacks;
    struct inspect_running_rate *rates; /* one for each use of `stacks`, in the same order */
    struct snap_mounted mounted;
    struct inspect_running_loop *loops;
    size_t loops_count;
    struct inspect_running_unread *unread;
    size_t unread_count;
};

/* Milliseconds between the two looks at a merge. */
#define INSPECT_RUNNING_LOOK_MS 1000u

/*
 * Reads everything; where a merge is under way, looks at it once more a second later. What cannot be read is kept in
 * `unread`, and all else goes on. Fails as snap_dm_tables_read does, and with SNAP_E_STOPPED. inspect_running_free in
 * any case.
 */
enum snap_status inspect_running_read(struct inspect_running *running, struct snap_error *err);

/* One more that could not be read; the same one is kept once. SNAP_E_NOMEM. */
enum snap_status inspect_running_add_unread(struct inspect_running *running, const char *name, const char *reason,
                                            struct snap_error *err);

/* The device of device-mapper with this number, or NULL. */
const struct snap_dm_device *inspect_running_mapped(const struct inspect_running *running, uint64_t number);

/* Whether one of the tables of this device is a snapshot target. */
bool inspect_running_is_use(const struct inspect_running *running, uint64_t number);

void inspect_running_free(struct inspect_running *running);

#endif

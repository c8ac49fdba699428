/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sysfs tells of one block device: its names, what it is, what it stands on and what stands on it. */
#ifndef DMSNAP_DEVICE_BLOCK
#define DMSNAP_DEVICE_BLOCK

#include "lib/base/error.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAP_BLOCK_NEIGHBOURS_MAX 256u /* of more, the rest is left out */

enum snap_block_kind { SNAP_BLOCK_DISK, SNAP_BLOCK_PART, SNAP_BLOCK_LOOP, SNAP_BLOCK_MD, SNAP_BLOCK_DM };

/* Devices are numbers, as a dev_t. Texts are empty where they do not apply. */
struct snap_block {
    uint64_t number;
    char kernel_name[64];        /* "sda1", "dm-3" */
    enum snap_block_kind kind;
    uint64_t size_sectors;
    bool read_only;
    char dm_name[128], dm_uuid[136];
    char md_level[32];           /* "raid1" */
    char backing_path[PATH_MAX]; /* of a loop device, as the kernel tells it: " (deleted)" stands behind a lost name */
    uint64_t below[SNAP_BLOCK_NEIGHBOURS_MAX], above[SNAP_BLOCK_NEIGHBOURS_MAX];
    size_t below_count, above_count;
    bool left_out;               /* there are more neighbours than these */
};

/*
 * Below are the devices of a device-mapper or md device, the disk of a partition, and the device that a loop device
 * shows; above the holders and partitions, not loop devices. Both by their numbers. SNAP_E_NOENT: sysfs does not know
 * it, so it is gone, or there is no sysfs.
 */
enum snap_status snap_block_read(uint64_t number, struct snap_block *block, struct snap_error *err);

/* The same below another root, for tests; "" is the system. */
enum snap_status snap_block_read_at(const char *root, uint64_t number, struct snap_block *block,
                                    struct snap_error *err);

/* "disk", "part", "loop", "md" or "dm". */
const char *snap_block_kind_name(enum snap_block_kind kind);

#endif

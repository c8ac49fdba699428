/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which block devices are mounted, and where, and which are swap space. */
#ifndef DMSNAP_DEVICE_MOUNTED
#define DMSNAP_DEVICE_MOUNTED

#include "lib/base/error.h"

#include <stddef.h>
#include <stdint.h>

#define SNAP_MOUNTED_SWAP "[SWAP]" /* stands for the mount point of swap space */

struct snap_mounted_place {
    uint64_t number; /* of the device, as a dev_t */
    char *target;    /* the mount point */
};

struct snap_mounted {
    struct snap_mounted_place *places; /* in the order of the mount table, then swap space */
    size_t count;
};

/*
 * From the mount table of this process and the list of swap space. A file system that makes up a number of its own
 * (btrfs) counts for the device that it names as its source. SNAP_E_NOMEM; SNAP_E_NOENT, SNAP_E_PERM, SNAP_E_IO: there
 * is no mount table to read. A system without a list of swap space has none. snap_mounted_free also after a failure.
 */
enum snap_status snap_mounted_read(struct snap_mounted *mounted, struct snap_error *err);

/* The same below another root, for tests: /proc is read there. "" is the system. */
enum snap_status snap_mounted_read_at(const char *root, struct snap_mounted *mounted, struct snap_error *err);

void snap_mounted_free(struct snap_mounted *mounted);

#endif

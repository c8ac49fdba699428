/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands on a block device, and sees its content change: device-mapper, md, partitions, loop devices, mounts. */
#ifndef DMSNAP_DEVICE_ABOVE
#define DMSNAP_DEVICE_ABOVE

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNAP_ABOVE_MAX 64u

struct snap_above_device {
    uint64_t number;         /* as a dev_t */
    char kernel_name[64];    /* "dm-3" */
    char dm_name[128];       /* empty for other devices */
    bool top;                /* no other device stands on it */
};

struct snap_above {
    struct snap_above_device devices[SNAP_ABOVE_MAX]; /* the device itself first; what stands on one comes behind it */
    size_t count;
};

/*
 * Walks up. SNAP_E_BUSY: one of them is mounted or used as swap space, which the text says; or it is held by somebody
 * who cannot be seen, such as a file system that is mounted in another namespace; or there are too many to look at.
 * SNAP_E_NOENT, SNAP_E_NOMEM, SNAP_E_IO and others: the system does not tell. That other programs have them open is no
 * failure. The list is right after SNAP_OK.
 */
enum snap_status snap_above_find(uint64_t number, struct snap_above *above, struct snap_error *err);

/* The same below another root, for tests: sysfs and /proc are read there, and no node is opened. "" is the system. */
enum snap_status snap_above_find_at(const char *root, uint64_t number, struct snap_above *above,
                                    struct snap_error *err);

/*
 * Writes back what is dirty of each of them and forgets what is not: what is read afterwards is what the device has.
 * `top_first`: so that what the upper ones write back is written back below as well; otherwise the lowest comes first,
 * so that nobody above can read old bytes from it again. SNAP_E_IO and others, after all were tried.
 */
enum snap_status snap_above_drop_caches(const struct snap_above *above, bool top_first, struct snap_error *err);

#endif

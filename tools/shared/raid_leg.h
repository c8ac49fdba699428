/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A raid1 volume of LVM, or a mirror, read from one of its legs. */
#ifndef DMSNAP_TOOLS_SHARED_RAID_LEG
#define DMSNAP_TOOLS_SHARED_RAID_LEG

#include "lib/lvm/metadata.h"
#include "tools/shared/devices.h"

/* Opens a logical volume of the group for reading; `name` is lvm:VG/LV, malloc'ed, and belongs to the device then. */
typedef enum snap_status (*raid_leg_open_fn)(void *context, char *name, size_t lv, struct device *device,
                                             struct snap_error *err);

/* Whether the volume is a raid1 array, or a mirror, whose legs are known. */
bool raid_leg_is_array(const struct snap_metadata *metadata, size_t lv);

/*
 * Reads the superblocks of the array's legs; *image is the volume of the leg that shows what the array shows, which is
 * said as a warning. SNAP_E_REFUSED: there is none that is known to (raid.h). SNAP_E_NOMEM, SNAP_E_STOPPED. Of a mirror
 * it is the first leg: nothing tells which one is the newest, but LVM makes the others the same as that.
 */
enum snap_status raid_leg_choose(struct cli *cli, const struct snap_metadata *metadata, size_t lv,
                                 raid_leg_open_fn open, void *context, size_t *image, struct snap_error *err);

#endif

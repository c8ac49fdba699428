/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Device-mapper devices that show the same bytes as another one, by their tables. */
#ifndef DMSNAP_DEVICE_TWINS
#define DMSNAP_DEVICE_TWINS

#include "lib/base/error.h"
#include "lib/device/device.h"

#include <stddef.h>
#include <stdint.h>

struct snap_twin {
    char name[128];  /* in /dev/mapper */
    uint64_t number;
};

struct snap_twins {
    struct snap_twin *twins;
    size_t count;
};

/*
 * All others that map bytes which `device` maps, both linearly: logical volumes, partitions made by kpartx; also those
 * whose table is loaded, and takes effect with the next resume. None where
 * `device` is no device-mapper device, or device-mapper may not be asked. SNAP_E_NOMEM. snap_twins_free also after a
 * failure.
 */
enum snap_status snap_twins_find(const struct snap_device *device, struct snap_twins *twins, struct snap_error *err);

void snap_twins_free(struct snap_twins *twins);

#endif

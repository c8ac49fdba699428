/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether a volume is active: a device-mapper table that maps one of its extents. */
#ifndef DMSNAP_LVM_MAPPED
#define DMSNAP_LVM_MAPPED

#include "lib/base/error.h"
#include "lib/device/dm_users.h"
#include "lib/lvm/volume.h"

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether the target maps a byte that the volume has on this physical volume, which is the device `number`. Of linear
 * and striped targets the ranges count; every other one, and what cannot be read, may map all of the device.
 */
bool snap_mapped_overlaps(const struct snap_volume *volume, size_t pv, uint64_t number,
                          const struct snap_dm_user *user);

/*
 * SNAP_E_BUSY where a device-mapper table of the running system maps one of the volume's extents, or will do so with
 * the next resume; the text names the volume, the device and the target. `numbers` has the device number of each
 * physical volume that the volume is on, by its index in the metadata; 0: an image, which no table can map. Where the
 * kernel has no device-mapper, nothing is mapped. The failures of snap_dm_users.
 */
enum snap_status snap_mapped_refuse(const struct snap_volume *volume, const uint64_t *numbers, struct snap_error *err);

/*
 * How many devices of device-mapper have this device number in their tables; 0 also where device-mapper cannot
 * be asked.
 */
size_t snap_mapped_users(uint64_t number);

#endif

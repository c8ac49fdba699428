/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What device, holders and stack share; sysfs and /proc are read below a root of the caller's choice. */
#ifndef DMSNAP_DEVICE_DEVICE_PRIVATE
#define DMSNAP_DEVICE_DEVICE_PRIVATE

#include "lib/device/device.h"

/*
 * Fills in what <sys_root>/sys tells of the block device device->device_number; all other fields stay as they are.
 * `sys_root` is "" for the running system.
 */
void snap_device_read_sysfs(const char *sys_root, struct snap_device *device);

/* snap_device_holders, with <sys_root>/proc and <sys_root>/sys as its sources. */
void snap_device_holders_at(const char *sys_root, const struct snap_device *device, char *text, size_t text_bytes);

/* snap_device_only_mapped, with the same sources. */
unsigned snap_device_only_mapped_at(const char *sys_root, const struct snap_device *device);

#define SNAP_DEVICE_SLAVES_MAX 64u

/* The numbers of the devices that this one is made of directly, by device-mapper or md; returns how many. */
size_t snap_device_slaves(const char *sys_root, uint64_t number, uint64_t slaves[SNAP_DEVICE_SLAVES_MAX]);

/* snap_device_made_of_same, with <sys_root>/sys as its source. */
bool snap_device_made_of_same_at(const char *sys_root, const struct snap_device *upper,
                                 const struct snap_device *lower);

/* snap_device_stands_on, with <sys_root>/sys as its source. */
bool snap_device_stands_on_at(const char *sys_root, const struct snap_device *upper, const struct snap_device *lower);

/*
 * Fills in what backs the device if it is a loop device, after snap_device_read_sysfs. `fd` is its open node, or
 * -1: then the name that sysfs gave must do.
 */
void snap_device_describe_loop(int fd, struct snap_device *device);

#endif

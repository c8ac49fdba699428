/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads what the kernel tells of block devices in the small files of sysfs. */
#ifndef DMSNAP_BASE_SYSFS
#define DMSNAP_BASE_SYSFS

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The first line of the file whose path the format makes, without the white space around it. False, and an empty text,
 * where there is no such file or nothing in the line. A line that is longer than `out` is cut.
 */
bool snap_sysfs_line(char *out, size_t out_bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The same for a line that is a path: white space at its ends belongs to the name. */
bool snap_sysfs_path(char *out, size_t out_bytes, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Reads "8:17" as a dev_t. */
bool snap_sysfs_device_number(const char *text, uint64_t *device_number);

/*
 * Whether the queue of the device, or of the disk that the partition is on, is said to rotate. `sys_root` is "" for the
 * running system. False where the system does not tell.
 */
bool snap_sysfs_rotational(const char *sys_root, uint64_t device_number);

#endif

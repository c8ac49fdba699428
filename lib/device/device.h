/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which device an opened path is: identity, overlap with another, description, and who holds it (sysfs, /proc). */
#ifndef DMSNAP_DEVICE_DEVICE
#define DMSNAP_DEVICE_DEVICE

#include "lib/base/error.h"
#include "lib/base/lookup.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strings are empty where unknown; model and the like come from the device: escape before printing. */
struct snap_device {
    bool block_device;         /* else a regular file */
    uint64_t device_number;    /* st_rdev of a block device */
    uint64_t file_device;      /* st_dev, st_ino of the file, or of the node */
    uint64_t file_inode;
    uint64_t disk_number;      /* dev_t of the whole disk, for a partition; else device_number */
    uint64_t start_sectors;    /* of a partition on its disk, else 0 */
    uint64_t size_sectors;     /* whole sectors; 0 where unknown */
    bool rotational;
    bool is_loop;              /* or a partition of a loop device */
    uint64_t backing_device;   /* of a loop device: st_dev, st_ino and name of its backing file */
    uint64_t backing_inode;
    uint64_t backing_number;   /* where the backing file is a block device: the number of its whole disk, else 0 */
    uint64_t backing_offset_bytes; /* where its byte 0 stands in that file, or on that disk */
    char backing_path[512];
    char model[128];
    char serial[129];          /* WWN, serial number, or device-mapper uuid: the first that is there */
    char partuuid[64];
    char dm_name[128];         /* of a device-mapper device */
};

/*
 * Fills *device for the path. SNAP_E_NOENT, SNAP_E_PERM, SNAP_E_USAGE (neither block device nor regular file),
 * SNAP_E_IO.
 */
enum snap_status snap_device_describe(const char *path, struct snap_device *device, struct snap_error *err);

/* The same for what was looked up before: what is described is what will be opened through the lookup. */
enum snap_status snap_device_describe_found(const struct snap_lookup *found, struct snap_device *device,
                                            struct snap_error *err);

/*
 * True where the two share bytes: same number, same inode, one is a loop device over the other or over the same file,
 * or partitions (or disk and partition) of one disk that overlap. `reason` (at least 128 bytes) says how, e.g. "both
 * are 8:17" or "/dev/loop0 is backed by cow.img".
 */
bool snap_device_same(const struct snap_device *a, const struct snap_device *b, char *reason, size_t reason_bytes);

/*
 * True where a write to `upper` can change bytes of `lower`: they share some, or `upper` stands on a device that does,
 * through device-mapper, md, or loop devices over files on it. What the system does not tell is taken as "does not".
 */
bool snap_device_stands_on(const struct snap_device *upper, const struct snap_device *lower);

/*
 * Whether a device that `upper` is made of, through device-mapper and md, shares bytes with `lower`, without being that
 * device or a partition of it.
 */
bool snap_device_made_of_same(const struct snap_device *upper, const struct snap_device *lower);

/*
 * As snap_device_stands_on for what is open: a block device; a file, or a folder that gets a new file, whose file
 * system may lie on `lower`. False for all else, such as a pipe. O_PATH is enough.
 */
bool snap_device_fd_stands_on(int fd, const struct snap_device *lower);

/*
 * A word without blanks that tells this device or image from others on this system, and stays the same as long as it
 * is not replaced: serial number, partition UUID or device number; for an image the file's device and inode; for what
 * has neither number nor inode its serial.
 */
void snap_device_id(const struct snap_device *device, char *text, size_t text_bytes);

#define SNAP_DEVICE_AS_SWAP "used as swap" /* how swap space is named among the users */
#define SNAP_DEVICE_HOLDERS_BYTES 2048u /* room for the users of a device that few share */

/*
 * Who uses it, as far as the system tells: mount points, swap, device-mapper and md holders, loop devices over the
 * file. Text such as "mounted on /srv" or "held by dm-3 (vg-snap)"; empty where nothing is found. Never fails: what
 * cannot be read is left out. What does not fit is counted: ", and 3 more", or "in use 3 times" where not even one
 * fits; 32 bytes are enough for that.
 */
void snap_device_holders(const char *path, const struct snap_device *device, char *text, size_t text_bytes);

/* The same without loop devices: who uses the device itself, and not other names of its bytes. */
void snap_device_users(const struct snap_device *device, char *text, size_t text_bytes);

/*
 * How many devices of device-mapper hold it, where nobody else does as far as the system tells: no mount, no swap, no
 * md, no partition in use. 0 where nothing has it, or something else.
 */
unsigned snap_device_only_mapped(const struct snap_device *device);

#endif

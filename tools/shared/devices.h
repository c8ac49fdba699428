/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The devices that a program was given: found, told apart, opened, described. */
#ifndef DMSNAP_TOOLS_SHARED_DEVICES
#define DMSNAP_TOOLS_SHARED_DEVICES

#include "lib/device/claim.h"
#include "lib/device/device.h"
#include "lib/device/probe.h"
#include "lib/io/file.h"
#include "lib/store/header.h"
#include "tools/cli/cli.h"
#include "tools/shared/lvm_name.h"

#define DEVICES_LVM LVM_NAME_PREFIX
bool devices_is_lvm(const char *argument);

struct device {
    char *path;               /* of the device or image; a tag is resolved */
    struct snap_lookup *found; /* what is described, and opened later; NULL: a new file */
    struct snap_device facts;
    struct snap_io *io;       /* NULL until it is open */
    struct snap_claim *claim; /* of all other names of its bytes; NULL where it is open for reading only */
    const struct snap_folder *folder; /* of a new file, where it was made; borrowed; else NULL */
    bool name_looked_at;      /* at the end of the run (moved.h) */
    bool moved;               /* `path` is where it is now, and not the name that was given */
    bool shrunk;              /* it has become smaller since it was opened (moved.h) */
    bool nameless;            /* it is not known where it is now: `path` means something else, or nothing */
    struct snap_device *parts; /* of an LVM volume: the physical volumes that it is on; else NULL */
    size_t part_count;
    const struct cli_strings *devices; /* of an LVM volume: --devices as it was given, for lines to paste; else NULL */
    struct snap_file_info info; /* of an LVM volume: what is true of all of them (devices_info) */
    char *lvm_group;          /* of a COW: the group whose metadata name its origin; else NULL */
    bool lvm_merging;         /* the same: LVM shall merge it */
    uint64_t lvm_extent_bytes; /* the same: in what steps it grows; else 0 */
};

/*
 * Resolves a tag and looks at the device without opening it. lvm:VG/LV is refused here: a program that takes such names
 * opens them by itself (volumes.h). devices_close in any case.
 */
enum snap_status devices_find(struct device *device, const char *argument, struct snap_error *err);

/* SNAP_E_REFUSED where the two share bytes. */
enum snap_status devices_distinct(const struct device *first, const struct device *second,
                                       struct snap_error *err);

/* The same for `device` and each of `others`; those that were not found yet (no path) do not count. */
enum snap_status devices_distinct_from_all(const struct device *device, const struct device *const *others,
                                           size_t count, struct snap_error *err);

/*
 * SNAP_E_REFUSED where a write to `fd` can change one of `others`: a device or file that is open, or a folder that gets
 * a new file. They share bytes, or the one is on a file system that lies on the other. `name` is for the message; an
 * O_PATH descriptor is enough.
 */
enum snap_status devices_apart(const char *name, int fd, const struct device *const *others, size_t count,
                               struct snap_error *err);

/*
 * Opens it. For writing, or exclusively, all other names of its bytes are held as well (lib/device/claim.h). Who
 * holds a busy device is said in the error.
 */
enum snap_status devices_open(struct device *device, const struct snap_file_options *options,
                                  struct snap_error *err);

/* What became of the options with which it was opened; of an LVM volume the number and inode are 0. */
void devices_info(const struct device *device, struct snap_file_info *info);

/* Warns of an image whose other names cannot be seen here, so that nobody knows whether it is in use. */
void devices_warn_hidden(struct cli *cli, const struct device *device);

/* It still has the size that it was opened with; SNAP_E_CHANGED where not: another program is changing it. */
enum snap_status devices_keeps_size(const struct device *device, struct snap_error *err);

/* Closes and frees; the first failure is SNAP_E_IO. Fine for one that was never found. */
enum snap_status devices_close(struct device *device, struct snap_error *err);

/* Closes all of them at the end of a program; says what fails. Returns the worst of `exit_status` and that. */
int devices_close_all(struct cli *cli, struct device *const *devices, size_t count, int exit_status);

/*
 * Reads the header of `cow` into *store. Where it is no store, but the origin (NULL: none) is one, the two were most
 * likely swapped: SNAP_E_REFUSED with a text that says so. A defect of the header is no failure here.
 */
enum snap_status devices_read_store(struct snap_store *store, const struct device *cow,
                                 const struct device *origin, struct snap_error *err);

/*
 * All of the above for a program that only reads: the COW, the origin where `origin_argument` is not NULL, and the
 * header of the store.
 */
enum snap_status devices_open_for_reading(struct device *cow, const char *cow_argument, struct device *origin,
                                       const char *origin_argument, struct snap_store *store, struct snap_error *err);

/*
 * SNAP_E_REFUSED unless the origin has at least one chunk of `chunk_bytes`, or, where no chunk size is known (0), one
 * sector: there would be nothing that a snapshot could show. `store` is the name of the COW, for the message.
 */
enum snap_status devices_origin_large_enough(const struct device *origin, const char *store, uint64_t chunk_bytes,
                                             struct snap_error *err);

/* A partly used last sector of an image takes no part; for a note. 0 for all others. */
uint64_t devices_tail_bytes(const struct device *device);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is on a device: signatures, file system, partition. The only user of libblkid. */
#ifndef DMSNAP_DEVICE_PROBE
#define DMSNAP_DEVICE_PROBE

#include "lib/base/error.h"
#include "lib/io/io.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* All strings NUL terminated, empty where unknown; they come from the device: escape before printing. */
struct snap_probe {
    bool unknown;         /* libblkid failed on it (child.h): nothing else is set, and anything may be there */
    bool ambivalent;      /* several signatures: `type` is then one of them, or empty */
    char type[32];        /* "ext4", "DM_snapshot_cow", "LVM2_member", ...; empty: nothing known */
    char usage[16];       /* "filesystem", "raid", "crypto", "other" */
    char uuid[64];
    char uuid_sub[64];
    char label[256];
    char ptuuid[64];      /* partition table on the device itself */
    char pttype[16];      /* "gpt", "dos", ... */
    uint64_t signature_offset_bytes; /* where the magic of `type` (or of the partition table) stands */
};

/*
 * Probes an open descriptor as libblkid does by itself: nothing is told of a block device that LVM keeps inside of
 * another volume. Finding nothing is SNAP_OK with empty strings. The position of the descriptor moves. SNAP_E_IO,
 * SNAP_E_NOMEM.
 */
enum snap_status snap_probe_outside(int fd, struct snap_probe *probe, struct snap_error *err);

/*
 * Probes what `read_fn` shows of a device of `size_bytes`. libblkid reads descriptors only: it gets a sparse memory
 * file with the first MiBs of the device and its tail. read_fn fills `buffer` or fails; `context` is handed through.
 */
typedef enum snap_status (*snap_probe_read_fn)(void *context, uint64_t offset_bytes, uint64_t length_bytes,
                                               void *buffer, struct snap_error *err);
enum snap_status snap_probe_reader(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes,
                                   struct snap_probe *probe, struct snap_error *err);

/* A read_fn whose context is a struct snap_io. */
enum snap_status snap_probe_read_io(void *context, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                    struct snap_error *err);

/* What is on a device, read through its io. SNAP_E_IO, SNAP_E_NOMEM. */
enum snap_status snap_probe_io(struct snap_io *io, struct snap_probe *probe, struct snap_error *err);

/* How large the device was that something was made for; 0: nothing is known. */
struct snap_probe_ends {
    uint64_t file_system_bytes; /* of a file system that is always on one device, if this libblkid tells */
    uint64_t partitions_bytes;  /* where the last partition ends; only looked for where there is no file system */
};

/*
 * What stands at the beginning of a device of `size_bytes`, which may have been cut, as in snap_probe_reader. What
 * libblkid fails on tells nothing. SNAP_E_IO, SNAP_E_NOMEM, SNAP_E_STOPPED.
 */
enum snap_status snap_probe_find_ends(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes,
                                      struct snap_probe_ends *ends, struct snap_error *err);

/* What the partition table of its disk says of a partition; empty where the device is none, or unknown. */
struct snap_probe_partition {
    char uuid[64];
    char label[256];
};

/* `fd` is an open block device. Reads the whole disk's partition table, never what the partition holds. */
enum snap_status snap_probe_partition(int fd, struct snap_probe_partition *partition, struct snap_error *err);

/*
 * The path of a device's node below /dev, malloc'ed, or NULL. The name alone proves nothing: the caller looks at what
 * it has opened.
 */
char *snap_probe_node(dev_t number);

/* The number of the disk that a partition is on; of any other device, its own. */
dev_t snap_probe_disk(dev_t number);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the bytes of a device lie in the end: through device-mapper's tables, partitions and loop devices. */
#ifndef DMSNAP_DEVICE_BOTTOM
#define DMSNAP_DEVICE_BOTTOM

#include "lib/device/dm_tables.h"

/* More than so many one over the other, or so many spans, are not followed: what is above counts then. */
#define SNAP_BOTTOM_DEPTH_MAX 16u
#define SNAP_BOTTOM_SPANS_MAX 65536u

struct snap_bottom_span {
    uint64_t device;         /* its number; of a file that a loop device shows, that of its file system ... */
    uint64_t inode;          /* ... and its inode, else 0 */
    uint64_t offset_bytes, end_bytes;
    bool somewhere;          /* a target that is not followed keeps its bytes somewhere in there */
};

/* Starts as all zeros. */
struct snap_bottom {
    struct snap_bottom_span *spans;
    size_t count, room;
};

/*
 * Adds where [offset, offset + length) of the device lies. Linear and striped targets are followed byte by byte. A
 * snapshot, an origin with snapshots and a merge are not: whoever writes through these keeps what other snapshots show.
 * Of each other target the range counts itself, and all of what it names as a place where it may be. SNAP_E_NOMEM.
 */
enum snap_status snap_bottom_add(struct snap_bottom *bottom, const struct snap_dm_tables *tables, uint64_t number,
                                 uint64_t offset_bytes, uint64_t length_bytes, struct snap_error *err);

/* The same with another root of sysfs, for tests; "" is the system. */
enum snap_status snap_bottom_add_at(const char *sys_root, struct snap_bottom *bottom,
                                    const struct snap_dm_tables *tables, uint64_t number, uint64_t offset_bytes,
                                    uint64_t length_bytes, struct snap_error *err);

/* Whether the two share a byte, or may. What both may have somewhere in one place says nothing. */
bool snap_bottom_overlap(const struct snap_bottom *one, const struct snap_bottom *other);

void snap_bottom_free(struct snap_bottom *bottom);

#endif

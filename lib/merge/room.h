/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much room of its file system a merge takes for a sparse origin, known before the first write. */
#ifndef DMSNAP_MERGE_ROOM
#define DMSNAP_MERGE_ROOM

#include "lib/lvm/volume.h"
#include "lib/store/header.h"

struct snap_room {
    const struct snap_store *store;
    const struct snap_io *origin;  /* from lib/io/file.h */
    const struct snap_volume *volume; /* NULL: the origin itself; else what of this volume is on `origin` is counted */
    size_t pv;                     /* which physical volume of it that is */
    uint64_t entries;              /* of the list */
    bool repeated;                 /* some chunk stands in the list more than once */
    uint64_t enough_bytes;         /* where this is enough, nobody wants to know it exactly */
    uint64_t memory_bytes;
    bool (*stop)(void *context);   /* polled; NULL: never */
    void *stop_context;
};

/*
 * How many bytes of holes of the origin the entries would fill; 0 for a block device. A number up to enough_bytes may
 * be larger than the truth. Where memory does not suffice to count each block once, the number may be too small.
 * SNAP_E_IO, SNAP_E_CORRUPT, SNAP_E_NOMEM, SNAP_E_STOPPED.
 */
enum snap_status snap_room_needed(const struct snap_room *room, uint64_t *needed_bytes, struct snap_error *err);

#endif

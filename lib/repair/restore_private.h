/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Brings back entries behind the end of a list that a fault has ended early. */
#ifndef DMSNAP_REPAIR_RESTORE_PRIVATE
#define DMSNAP_REPAIR_RESTORE_PRIVATE

#include "lib/repair/edits.h"
#include "lib/store/header.h"

/* So many slots behind the end are looked at. */
#define SNAP_RESTORE_SLOTS_MAX 65536u

struct snap_restore {
    uint64_t *old_chunks;  /* of the entries that come back; they belong to the caller: free() */
    size_t count;
    uint64_t lost;         /* slots in front of the last of them that hold no entry that fits */
    uint64_t found;        /* entries that fit, whether they come back or not */
    bool merged;           /* the origin holds the data of all of them: a merge has taken them off the list */
};

/*
 * Looks behind a list of `length` entries for entries that name the data chunk which a kernel gives to their slot,
 * while no entry of the list has their old or new chunk. They are believed where they stand in the area of the end, and
 * three of four entries behind the end there do so; or where at least half of the slots up to the last of them are such
 * entries. The rest is filled with entries from the end. Where the slot of the terminator has lost only its data chunk
 * it gets the canonical one back.
 *
 * `origin` tells whether a merge has taken them off: where it holds the data of all of them nothing is planned, and
 * nothing either where it is NULL. The edits leave the list as it is up to one of them, the write of one unit, by which
 * all entries come back.
 * SNAP_E_IO, SNAP_E_NOMEM, SNAP_E_CORRUPT, SNAP_E_REFUSED (as snap_edits_add).
 */
enum snap_status snap_restore_plan(struct snap_edits *edits, const struct snap_store *store, struct snap_io *origin,
                                   uint64_t length, uint64_t memory_bytes, struct snap_restore *restore,
                                   struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Adds entries to the list of an existing store, in the order that no torn write can turn into a wrong list. */
#ifndef DMSNAP_STORE_LIST_APPEND
#define DMSNAP_STORE_LIST_APPEND

#include "lib/store/header.h"

/* What an append did to the device: for tests and summaries. Added to, never cleared. */
struct snap_list_append_counts {
    uint64_t metadata_bytes;  /* written to areas */
    uint64_t flushes;         /* begun */
};

struct snap_list_append {
    const struct snap_store *store;  /* borrowed; outlives this */
    uint64_t entries;                /* live, on the device */
    uint64_t next_chunk;             /* next_free, as the kernel computes it at load (dmsnap-store(5), LOADING) */
    bool list_flushed;                 /* the device was flushed since init */
    bool failed;                     /* the list on the device may have any of the lengths on the way: no more */
    uint8_t *pieces;                 /* pieces of areas */
    uint8_t *unit;                   /* one atomic unit */
};

/*
 * Takes up the list of a checked store: `entries` live ones, the highest data chunk among them `highest_new_chunk`
 * (0 for an empty list), all of them whole chunks of the device that are no area. From the end of the list to the
 * end of its area the device holds zeros (snap_check: nothing behind the terminator): slots are filled without
 * being cleared first. Areas behind that one may hold anything, and will be overwritten; whether a continuation
 * there still matters is decided before. The device need not be writable until the first write.
 *
 * SNAP_E_REFUSED: the device cannot write single chunks. SNAP_E_CORRUPT: the numbers do not fit the device.
 * SNAP_E_NOMEM. snap_list_append_free also after failure.
 */
enum snap_status snap_list_append_init(struct snap_list_append *append, const struct snap_store *store,
                                       uint64_t entries, uint64_t highest_new_chunk, struct snap_error *err);
void snap_list_append_free(struct snap_list_append *append);

/*
 * How many entries still fit. Two limits that differ where data chunks are not in canonical order: whole chunks
 * from next_free to the end of the device that are no area, and slots of areas on the device. The very last slot
 * stays free: a full area needs another one behind it (dmsnap-store(5), CAPACITY).
 */
uint64_t snap_list_append_room(const struct snap_list_append *append);

/* The data chunk of the k-th entry from now, the first being 0. Ascending; k < snap_list_append_room. */
uint64_t snap_list_append_chunk(const struct snap_list_append *append, uint64_t k);

/*
 * Flushes the device, once: calls after the first do nothing. To be called before anything is written to it, data
 * too. A run that was killed may have left a shortened list in the disk's cache: the chunks that this list seems
 * to leave free are in use until it is durable.
 */
enum snap_status snap_list_append_flush_list(struct snap_list_append *append, struct snap_list_append_counts *counts,
                                             struct snap_error *err);

/*
 * Appends `count` entries: old_chunks[k] with the data chunk snap_list_append_chunk(append, k), whose content has been
 * written (not flushed) to the device after snap_list_append_flush_list. The order (dmsnap-store(5), ORDERS OF
 * WRITING, "Appending to a list"):
 *
 * 1. where entries go to later areas, a flush: of the data. Until the current area is full these entries continue
 *    the list without being part of it, like a list that was cut by a fault. Whoever looks into that must find the
 *    data: the origin still has the same;
 * 2. every area behind the current one that the longer list reaches, whole, zeros behind the last entry; where
 *    that entry fills its area, the area behind it is all zeros; and one more, zeroed where the device has it: what an
 *    earlier use left there could look like the rest of this list;
 * 3. one flush: of the data, too;
 * 4. the atomic units of the current area that change, in ascending order, a flush after each. The one that fills
 *    the area links all the others, and is the last by nature.
 *
 * So many areas cost one flush more than one; 0 entries cost nothing. At every moment, and whatever unflushed
 * sectors are lost, the list on the device is the old one followed by the first j of the new entries, 0 <= j <=
 * count, then zeros to the end of its area; the data of all that is listed are durable.
 *
 * SNAP_OK: all are appended, durably. SNAP_E_NOSPC: more than snap_list_append_room; nothing was written. After any
 * other failure the above holds for the device, but j is not known: the object refuses to go on (SNAP_E_INTERNAL),
 * and a flush that failed is not repeated. SNAP_E_CORRUPT: the device changed since it was checked.
 */
enum snap_status snap_list_append_commit(struct snap_list_append *append, const uint64_t *old_chunks, uint64_t count,
                                         struct snap_list_append_counts *counts, struct snap_error *err);

#endif

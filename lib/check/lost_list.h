/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where no header is, looks for the list of a store that stands behind it all the same. */
#ifndef DMSNAP_CHECK_LOST_LIST
#define DMSNAP_CHECK_LOST_LIST

#include "lib/base/error.h"
#include "lib/io/io.h"

#include <stdbool.h>
#include <stdint.h>

/* More entries than that are not counted, and no more of the list is read. */
#define SNAP_LOST_LIST_ENTRIES_MAX 65536u

/* All that a search reads, at most: the beginning of area 0 for each chunk size, and the list once. */
#define SNAP_LOST_LIST_READ_BYTES_MAX (22u * 4096u + (SNAP_LOST_LIST_ENTRIES_MAX + 256u) * 16u)

struct snap_lost_list {
    uint32_t chunk_sectors;   /* with which there is a list in the place of area 0; 0: there is none */
    uint64_t entries;         /* that were counted */
    bool all;                 /* the list ends behind them; else there are at least so many */
    uint32_t seen_entries;    /* what the finding rests on: so many entries at the beginning of area 0 ... */
    uint32_t in_place;        /* ... and so many of them name the data chunk that a kernel since 3.13 gives them, ... */
    uint32_t against;         /* ... while so many can be no entry of this list */
    uint32_t rival_chunk_sectors; /* with these there is a list as well, and nothing decides; 0: with no other */
    /* snap_lost_list_find_later: where it stands, and how many entries in front of that are gone; else all are 0 */
    uint64_t area, area_offset_bytes, gone_entries;
};

/*
 * Tries each chunk size that the kernel takes (or only the one that is asked for; 0: each): is what stands in the place
 * of area 0 a list? A list has data chunks in the order in which kernels give them; random data, texts, tables of
 * numbers and the structures of file systems have not. Some entries may be damaged, while a clear majority is sound;
 * the device may have been cut. Of several sizes the one for which four times as much speaks is taken; where none does,
 * the next best one is named as well. What cannot be read is no list.
 *
 * It knows nothing of what else is on the device: a file system may have been made over a store, and leave its list.
 * SNAP_OK, or SNAP_E_NOMEM.
 */
enum snap_status snap_lost_list_find(struct snap_io *io, uint32_t asked_chunk_sectors, struct snap_lost_list *lost,
                                     struct snap_error *err);

/*
 * Where snap_lost_list_find finds nothing: the same for the areas 1 to 8, with each chunk size with which area 0 begins
 * with zeros. lost->entries are those from that area on. At least 16 of its first entries must be seen, and three of
 * four of them in their place. It reads no more than nine pieces of 4096 bytes for each size, and the list once.
 */
enum snap_status snap_lost_list_find_later(struct snap_io *io, uint32_t asked_chunk_sectors,
                                           struct snap_lost_list *lost, struct snap_error *err);

/* Which byte of the snapshot stands at this one of the device, by the first entries of the list. False: none tells. */
bool snap_lost_list_origin_byte(struct snap_io *io, const struct snap_lost_list *lost, uint64_t cow_byte,
                                uint64_t *origin_byte);

#endif

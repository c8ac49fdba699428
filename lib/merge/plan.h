/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A suffix of the list as two sets of requests: reads in COW order, writes in origin order. Pure and deterministic. */
#ifndef DMSNAP_MERGE_PLAN
#define DMSNAP_MERGE_PLAN

#include "lib/store/codec.h"
#include "lib/store/layout.h"

#include <stddef.h>

#define SNAP_PLAN_REQUEST_BYTES (1u << 20) /* a request is at most this large ... */
#define SNAP_PLAN_REQUEST_PIECES 1024u     /* ... and gathers at most so many pieces of the buffer (IOV_MAX) */

/* COW to buffer. */
struct snap_plan_read {
    uint64_t cow_offset_bytes;
    uint64_t buffer_offset_bytes;
    uint32_t length_bytes;
};

/* Buffer to origin: consecutive on the origin, gathered from pieces of the buffer. */
struct snap_plan_write {
    uint64_t origin_offset_bytes;
    uint32_t length_bytes;
    uint32_t pieces;
    size_t first_piece;
};

struct snap_plan_piece {
    uint64_t buffer_offset_bytes;
    uint32_t length_bytes;
};

/* What became of a chunk: a bad one is left out of the writes. */
enum snap_plan_fate {
    SNAP_PLAN_GOOD,
    SNAP_PLAN_UNREADABLE,           /* its data on the COW */
    SNAP_PLAN_UNWRITABLE,           /* the origin */
    SNAP_PLAN_UNKEPT,               /* what it replaces cannot be read, and another store needs it */
};

/* The arrays belong to the plan and are reused; snap_plan_free. All offsets and lengths are multiples of a sector. */
struct snap_plan {
    size_t entries_max;             /* room, in entries */
    size_t reads_max, pieces_max;
    struct snap_plan_read *reads;
    struct snap_plan_write *writes; /* no two overlap */
    struct snap_plan_piece *pieces;
    size_t read_count, write_count, piece_count;
    uint64_t buffer_bytes;          /* of the buffer that are used */
    uint64_t read_bytes, write_bytes;
    uint64_t equal_bytes;           /* left out of the writes by snap_plan_drop_equal */
    struct snap_entry *order;       /* the entries in origin order; their new_chunk is the place in the buffer */
    struct snap_entry *spare;       /* scratch */
    uint8_t *fate;                  /* of each place: enum snap_plan_fate */
    size_t bad_count;               /* places that are not GOOD */
    size_t count;                   /* of entries, repeated ones once */
    uint64_t slice_offset_bytes, slice_bytes, chunk_bytes, origin_bytes;
};

/* Memory that a plan of `entries_max` entries of `chunk_bytes` takes, its buffer not counted. */
uint64_t snap_plan_memory_bytes(uint64_t chunk_bytes, size_t entries_max);

/* Room for `entries_max` entries. SNAP_E_NOMEM. snap_plan_free also after failure. */
enum snap_status snap_plan_init(struct snap_plan *plan, const struct snap_layout *layout, size_t entries_max,
                                struct snap_error *err);
void snap_plan_free(struct snap_plan *plan);

/*
 * Plans `count` <= entries_max entries, whose numbers have been checked: all lie on their devices, and no old and no new
 * occurs twice, but for entries that are repeated as a whole, which are planned once. Of each chunk the bytes
 * [slice_offset_bytes, slice_offset_bytes + slice_bytes) are copied (0 and chunk_bytes for all of it; less only for one
 * entry at a time), clipped at the origin's end, `origin_sectors` (format 2.2). The buffer must hold count *
 * slice_bytes. The same entries give the same plan in any order.
 */
void snap_plan_make(struct snap_plan *plan, const struct snap_layout *layout, const struct snap_entry *entries,
                    size_t count, uint64_t slice_offset_bytes, uint64_t slice_bytes, uint64_t origin_sectors);

/*
 * Leaves out of the writes what is equal in `buffer`, which the plan's reads have filled, and in `found`, which holds
 * what is on the origin at the same places. What differs is written in whole chunks.
 */
void snap_plan_drop_equal(struct snap_plan *plan, const uint8_t *buffer, const uint8_t *found);

/* The chunk whose place in the buffer holds this offset could not be copied; it stays in the requests as they are. */
void snap_plan_mark_bad(struct snap_plan *plan, uint64_t buffer_offset_bytes, enum snap_plan_fate fate);

/* The same for all good chunks that have a byte in [start_bytes, end_bytes) of the origin, in what this plan copies. */
void snap_plan_mark_range(struct snap_plan *plan, uint64_t start_bytes, uint64_t end_bytes, enum snap_plan_fate fate);

/* The data chunk whose place in the buffer this is. */
uint64_t snap_plan_data_chunk(const struct snap_plan *plan, uint64_t place);

/* Plans the writes anew, without the bad chunks. */
void snap_plan_drop_bad(struct snap_plan *plan);

#endif

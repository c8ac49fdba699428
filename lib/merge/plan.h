/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plans the copies of one load: reads in the order of the source, writes in the order of the target; no I/O. */
#ifndef DMSNAP_MERGE_PLAN
#define DMSNAP_MERGE_PLAN

#include "lib/store/codec.h"
#include "lib/store/layout.h"

#include <stddef.h>

#define SNAP_PLAN_REQUEST_BYTES (1u << 20) /* a read or write is at most this large ... */
#define SNAP_PLAN_REQUEST_PIECES 1024u     /* ... and a write gathers at most so many pieces of the buffer (IOV_MAX) */

/*
 * A plan copies one chunk for each entry, from the source to the target. The direction says which is which. On its way
 * each chunk has a place in the buffer.
 */
enum snap_plan_direction {
    SNAP_PLAN_MERGE,    /* source: the entry's data chunk on the COW (new); target: its chunk of the origin (old) */
    SNAP_PLAN_COPY_OUT, /* source: the chunk of the origin (old); target: the data chunk on a sibling's COW (new) */
};

/* From the source to the buffer. */
struct snap_plan_read {
    uint64_t source_offset_bytes;
    uint64_t buffer_offset_bytes;
    uint32_t length_bytes;
};

/* From the buffer to the target: consecutive bytes of the target, gathered from pieces of the buffer. */
struct snap_plan_write {
    uint64_t target_offset_bytes;
    uint32_t length_bytes;
    uint32_t pieces;
    size_t first_piece;
};

struct snap_plan_piece {
    uint64_t buffer_offset_bytes;
    uint32_t length_bytes;
};

/* What became of a chunk. A chunk that is not GOOD is left out when the writes are planned anew. */
enum snap_plan_fate {
    SNAP_PLAN_GOOD,
    SNAP_PLAN_UNREADABLE, /* the source cannot be read */
    SNAP_PLAN_UNWRITABLE, /* the target cannot be written */
    SNAP_PLAN_UNKEPT,     /* what the target holds cannot be read, and a sibling needs it */
};

/* The arrays belong to the plan and are used again by each snap_plan_make. Offsets and lengths are whole sectors. */
struct snap_plan {
    enum snap_plan_direction direction;
    uint64_t chunk_bytes;
    size_t entries_max;             /* there is room for so many */
    struct snap_entry *entries;     /* in the order of the source; the index of an entry is its place in the buffer */
    struct snap_entry *spare_entries;
    size_t *order;                  /* the places, in the order of the target */
    size_t *spare_order;
    uint8_t *fate;                  /* of each place: enum snap_plan_fate */
    size_t count;                   /* of entries; one that is repeated counts once */
    size_t bad_count;               /* places that are not GOOD */
    struct snap_plan_read *reads;   /* in the order of the source, and so of the places */
    struct snap_plan_write *writes; /* in the order of the target; no two overlap */
    struct snap_plan_piece *pieces;
    size_t read_count, write_count, piece_count;
    uint64_t buffer_bytes;          /* so much of the buffer is used */
    uint64_t read_bytes, write_bytes;
    uint64_t equal_bytes;           /* left out of the writes by snap_plan_drop_equal */
    uint64_t slice_offset_bytes, slice_bytes, origin_bytes;
};

/* As `new` of an entry: it is not planned. No entry of a list has it: it would be the list's end. */
#define SNAP_PLAN_LEFT_OUT 0u

/* The memory that a plan of `entries_max` entries of `chunk_bytes` takes. The buffer is not counted. */
uint64_t snap_plan_memory_bytes(uint64_t chunk_bytes, size_t entries_max);

/* Makes room for `entries_max` entries. SNAP_E_NOMEM. Call snap_plan_free also after a failure. */
enum snap_status snap_plan_init(struct snap_plan *plan, const struct snap_layout *layout,
                                enum snap_plan_direction direction, uint64_t entries_max, struct snap_error *err);
void snap_plan_free(struct snap_plan *plan);

/* Room for the entries_max entries that are planned next. It is the plan's scratch: snap_plan_make overwrites it. */
struct snap_entry *snap_plan_room(struct snap_plan *plan);

/*
 * Plans `count` <= entries_max entries, which may stand in snap_plan_room. Their numbers have been checked: all chunks
 * lie on their devices, and no old and no new occurs twice. Only an entry that is repeated as a whole may occur; it is
 * planned once. The same entries give the same plan, whatever their order is.
 *
 * Of each chunk the slice [slice_offset_bytes, slice_offset_bytes + slice_bytes) is copied: 0 and chunk_bytes for the
 * whole chunk, less only where one entry is planned at a time. The buffer must hold count * slice_bytes.
 *
 * The origin has `origin_sectors`. Where it ends inside of a chunk, nothing behind its end is read or written.
 * SNAP_PLAN_COPY_OUT nevertheless writes whole slices, to the COW: the caller fills the rest of that place.
 */
void snap_plan_make(struct snap_plan *plan, const struct snap_entry *entries, size_t count, uint64_t slice_offset_bytes,
                    uint64_t slice_bytes, uint64_t origin_sectors);

/*
 * Plans the writes anew without the chunks that are equal in `buffer`, which the plan's reads have filled, and in
 * `found`, which holds what is on the target, each chunk at its place. What differs is written in whole chunks.
 */
void snap_plan_drop_equal(struct snap_plan *plan, const uint8_t *buffer, const uint8_t *found);

/* The chunk at this offset of the buffer could not be copied. The requests stay as they are: see snap_plan_drop_bad. */
void snap_plan_mark_bad(struct snap_plan *plan, uint64_t buffer_offset_bytes, enum snap_plan_fate fate);

/* Marks all good chunks of which this plan copies a byte to [start_bytes, end_bytes) of the target. */
void snap_plan_mark_range(struct snap_plan *plan, uint64_t start_bytes, uint64_t end_bytes, enum snap_plan_fate fate);

/* Plans the writes anew, without the bad chunks. */
void snap_plan_drop_bad(struct snap_plan *plan);

#endif

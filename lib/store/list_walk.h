/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of a store as a stream: spans of entries in disk order, read in large vectors with bounded memory. */
#ifndef DMSNAP_STORE_LIST_WALK
#define DMSNAP_STORE_LIST_WALK

#include "lib/base/bytes.h"
#include "lib/store/header.h"

/* Consecutive slots of one area. */
struct snap_span {
    uint64_t area;
    uint32_t first_slot;
    uint64_t first_index;
    uint32_t slots;        /* 0: the walk is over */
    uint32_t live;         /* of these, in front of the terminator; the others are behind the end */
    const uint8_t *bytes;  /* slots * SNAP_ENTRY_BYTES, raw; valid until the next call */
};

static inline uint64_t snap_span_old(const struct snap_span *span, uint32_t i)
{
    return snap_get_le64(span->bytes + (size_t)i * SNAP_ENTRY_BYTES);
}

static inline uint64_t snap_span_new(const struct snap_span *span, uint32_t i)
{
    return snap_get_le64(span->bytes + (size_t)i * SNAP_ENTRY_BYTES + 8);
}

struct snap_list_walk;

/*
 * Starts a walk at area 0 of a store whose header is GOOD. The object belongs to the caller: snap_list_walk_close. The
 * store is borrowed and must outlive it; its io belongs to the walk until then (a thread reads ahead). SNAP_E_NOMEM.
 */
enum snap_status snap_list_walk_open(struct snap_list_walk **walk, const struct snap_store *store,
                                     struct snap_error *err);

/* From now on a call of snap_list_walk_next that finds `stop` true fails with SNAP_E_STOPPED. NULL: never. */
void snap_list_walk_stop_on(struct snap_list_walk *walk, bool (*stop)(void *context), void *stop_context);

/*
 * The next span. The list ends at the first entry with new == 0 (dmsnap-store(5), ENTRIES AND AREAS); the rest of that
 * area is handed out too, with live == 0 (garbage there may become live later: rule garbage-behind-end), then a span of
 * 0 slots. Areas behind are read ahead, but only what is reached can fail:
 * SNAP_E_CORRUPT  all areas on the device are full: the next one lies past the device's end (the kernel refuses it);
 * SNAP_E_IO and others  an area cannot be read; span->area and first_slot say which;
 * SNAP_E_STOPPED  see snap_list_walk_stop_on.
 * After a failure the walk is over.
 */
enum snap_status snap_list_walk_next(struct snap_list_walk *walk, struct snap_span *span, struct snap_error *err);

/*
 * Goes on behind the end of the list, at the start of `area`, as if the list continued there. For a look at what
 * earlier uses, or a fault, left behind.
 */
void snap_list_walk_seek_area(struct snap_list_walk *walk, uint64_t area);

/* CRC-32C of the bytes of the first `count` entries, which are live. Failures as snap_list_walk_next. */
enum snap_status snap_list_walk_digest(const struct snap_store *store, uint64_t count, uint32_t *crc32c,
                                       struct snap_error *err);

/* NULL is fine. */
void snap_list_walk_close(struct snap_list_walk *walk);

#endif

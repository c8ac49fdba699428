/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The snapshot view: the origin overlaid by the store, read at any offset with a bounded map of entries. */
#ifndef DMSNAP_VIEW_VIEW
#define DMSNAP_VIEW_VIEW

#include "lib/store/header.h"

#define SNAP_VIEW_MEMORY_MIN_BYTES (1u << 20)

struct snap_view;

/*
 * Opens the view of a store with a list (snap_header_has_list) over `origin` (both borrowed). Only the entries of a
 * part of the origin are kept, as many as `memory_bytes` hold; a read outside that part walks the list again. So
 * reading in ascending order costs few walks. Where an origin chunk has two entries the first on disk counts (dmsnap-
 * store(5), DUPLICATES).
 * SNAP_E_NOMEM. The object belongs to the caller: snap_view_close.
 */
enum snap_status snap_view_open(struct snap_view **view, const struct snap_store *store, struct snap_io *origin,
                                uint64_t memory_bytes, struct snap_error *err);

/* Why the store does not tell what a chunk of the view holds. */
enum snap_view_damage {
    SNAP_VIEW_NO_DATA_CHUNK, /* the entry names a chunk that is none for data, or is not on the device */
    SNAP_VIEW_TWO_ENTRIES,   /* entries for one origin chunk that name different data chunks */
    SNAP_VIEW_SHARED,        /* its data chunk is that of another origin chunk as well */
    SNAP_VIEW_UNREADABLE,    /* the medium does not give the data chunk back */
    SNAP_VIEW_DAMAGES
};

/* How a view goes on over damaged chunks, which otherwise make reads of it fail. All of it is borrowed. */
struct snap_view_skip {
    bool as_origin;          /* they read as what the origin has there; else as zeros */
    const uint64_t *shared_chunks; /* data chunks that entries of several origin chunks name, ascending */
    size_t shared_count;
    const uint64_t *displaced;     /* entries, by their index, that name the data chunk of another one; a few */
    size_t displaced_count;
    /*
     * Told of each such chunk of the view when it is read: each time, in any order, and in whichever thread reads. A
     * status other than SNAP_OK ends the read with it. NULL: nobody wants to know.
     */
    enum snap_status (*skipped)(void *context, uint64_t old_chunk, enum snap_view_damage damage,
                                struct snap_error *err);
    void *context;
};

/*
 * From now on reads go on over damaged chunks. Before the first read, or to change who is told. What the origin cannot
 * give in the place of such a chunk is an error of the origin.
 */
void snap_view_skip_damaged(struct snap_view *view, const struct snap_view_skip *skip);

/* The origin's size; an entry beyond it is invisible (lib/check/pair.h refuses such a pair). */
uint64_t snap_view_size_bytes(const struct snap_view *view);

/*
 * Reads [offset, offset + length), which must lie inside the view. SNAP_E_IO; SNAP_E_CORRUPT where the list cannot be
 * followed, or the range needs an entry whose data chunk is not on the device.
 */
enum snap_status snap_view_read(struct snap_view *view, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                                struct snap_error *err);

/*
 * The same, chunk by chunk, for a range that could not be read at once: the failure names the first chunk that cannot
 * be read. SNAP_E_CORRUPT where that is the data chunk of an entry and the medium has the fault (snap_error_is_medium):
 * the store is damaged there.
 */
enum snap_status snap_view_read_chunks(struct snap_view *view, uint64_t offset_bytes, uint64_t length_bytes,
                                       void *buffer, struct snap_error *err);

/*
 * Gives the origin offset of the first chunk at or behind `offset` that has an entry; the size of the view: none has.
 */
enum snap_status snap_view_next_entry(struct snap_view *view, uint64_t offset_bytes, uint64_t *next_entry_bytes,
                                      struct snap_error *err);

/* What it was opened over. */
struct snap_io *snap_view_origin(const struct snap_view *view);
uint64_t snap_view_chunk_bytes(const struct snap_view *view);

/* How many requests for data it has made of origin and COW so far. */
uint64_t snap_view_requests(const struct snap_view *view);

/* NULL is fine. */
void snap_view_close(struct snap_view *view);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills a new store with what the view of another one shows: compact, in order, with any chunk size. */
#ifndef DMSNAP_REPAIR_REWRITE
#define DMSNAP_REPAIR_REWRITE

#include "lib/store/create.h"
#include "lib/view/view.h"

struct snap_rewrite {
    const struct snap_store *store;    /* borrowed, only read; it has a list that ends (lib/check/check.h) */
    struct snap_io *origin;            /* borrowed, only read */
    const struct snap_layout *layout;  /* of the new store */
    bool leave_out_equal;              /* chunks that the origin holds as well get no entry */
    const uint64_t *shared_chunks;     /* data chunks that several entries name, ascending (struct snap_view_skip) */
    size_t shared_count;
    const uint64_t *displaced;         /* as of struct snap_view_skip */
    size_t displaced_count;
    uint64_t memory_bytes;             /* for the entries of the view */
    bool (*stop)(void *context);       /* NULL: never */
    void *stop_context;
    void (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes); /* of the view; NULL: nobody asks */
    void *progress_context;
    /* out */
    uint64_t entries;                  /* that were added, or would be */
    uint64_t damaged_chunks;           /* of the old store: what they hold is not known, so the origin shows there */
};

/*
 * Adds an entry to `create` (NULL: only counts) for each chunk of the new size in which the old store has an entry. One
 * without sound data is left out; where a new chunk is larger than an old one, it holds what the origin has there. A
 * partial last chunk is filled up with zeros. SNAP_E_NOSPC: the new store is full; SNAP_E_STOPPED, SNAP_E_IO,
 * SNAP_E_NOMEM, SNAP_E_CORRUPT (the list cannot be followed).
 */
enum snap_status snap_rewrite(struct snap_rewrite *rewrite, struct snap_create *create, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A window of the list on its way to the origin: which entries, their plan, their data, and the thread that reads them. */
#ifndef DMSNAP_WINDOW_H
#define DMSNAP_WINDOW_H

#include "copy.h"
#include "store.h"

#include <pthread.h>

/*
 * One load of the buffer: all of the entries [first, end), or a slice of a single one where a chunk is larger than the
 * buffer.
 */
struct snap_window_range {
    uint64_t first, end;          /* indices; first == end: nothing left */
    uint64_t slice_offset_bytes;
    uint64_t slice_bytes;         /* chunk_bytes where the chunk is not sliced */
    bool last_slice;
    bool good_cut;                /* the list can be cut to `first` by one atomic unit, or `first` is 0 */
};

struct snap_window {
    struct snap_window_range range;
    struct snap_entry *entries;
    struct snap_plan plan;
    uint8_t *buffer;              /* NULL for a dry run */
    struct snap_copy_group group;
    /* the reading thread */
    const struct snap_store *store;
    uint64_t origin_sectors;
    const struct snap_copy_control *control;
    pthread_t thread;
    bool running;                 /* the thread must be joined */
    enum snap_status status;      /* of the load */
    struct snap_error err;
};

/* How many entries fit a window, and how much of each chunk is copied at once, in `memory_bytes` per window. */
struct snap_window_size {
    uint64_t entries;
    uint64_t slice_bytes;
};

void snap_window_size(const struct snap_layout *layout, uint64_t memory_bytes, uint64_t entries_wanted,
                      struct snap_window_size *size);

/* SNAP_E_NOMEM; snap_window_free also after failure. */
enum snap_status snap_window_init(struct snap_window *window, const struct snap_store *store,
                                  const struct snap_window_size *size, uint64_t origin_sectors,
                                  const struct snap_copy_control *control, bool with_buffer, struct snap_error *err);
/* Joins the thread first. */
void snap_window_free(struct snap_window *window);

/*
 * The range that follows `done` towards the head of the list: the next slice of the same entry, or the window that
 * ends where `done` began, with at most `entries_max` entries and a cut in one atomic unit where there is one
 * (snap_store_single_cut). Smaller than half of `entries_max` it only becomes for such a cut if `cut_wanted`: entries
 * behind it wait for one. For the first window `done` is {entries, entries}.
 */
struct snap_window_range snap_window_next(const struct snap_store *store, const struct snap_window_range *done,
                                          uint64_t entries_max, uint64_t slice_bytes, bool cut_wanted);

/*
 * Loads a range: its entries, checked against both devices' sizes, their plan and their COW data. In a thread of its
 * own where `in_thread` is set and one can be had. The COW device belongs to the load until snap_window_wait.
 */
void snap_window_load(struct snap_window *window, const struct snap_window_range *range, bool in_thread);

/* Waits for the load; its status. */
enum snap_status snap_window_wait(struct snap_window *window, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A window of the list on its way to the origin: which entries, their plan, their data, and the thread that reads them. */
#ifndef DMSNAP_MERGE_WINDOW
#define DMSNAP_MERGE_WINDOW

#include "lib/base/worker.h"
#include "lib/merge/copy.h"
#include "lib/store/header.h"

/*
 * One load of the buffer: all of the entries [first, end); or a part of them, where they are sorted by their place on
 * the origin and go through the buffer one part after the other; or a slice of a single one where a chunk is larger
 * than the buffer.
 */
struct snap_window_range {
    uint64_t first, end;          /* indices; first == end: nothing left */
    uint64_t slice_offset_bytes;
    uint64_t slice_bytes;         /* chunk_bytes where the chunk is not sliced */
    bool last_load;               /* with it the entries [first, end) are merged */
    bool good_cut;                /* the list can be cut to `first` by one atomic unit, or `first` is 0 */
    uint64_t part_first;          /* of the entries in origin order ... */
    uint64_t part_entries;        /* ... so many; 0: all, in one load */
};

/* Entries of a window that is larger than the buffer, in origin order; shared by all windows of a merge. */
struct snap_window_table {
    struct snap_entry *entries, *spare;
    uint64_t first, end;          /* which are in it; first == end: none */
};

struct snap_window {
    struct snap_window_range range;
    struct snap_window_table *table; /* NULL: ranges have no parts */
    struct snap_plan plan;
    uint8_t *buffer;              /* NULL for a dry run */
    struct snap_copy_group group;
    const struct snap_store *store;
    uint64_t origin_sectors;
    const struct snap_copy_control *control;
    struct snap_worker *ahead;     /* the thread of the load; NULL: it was done at once */
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

/* Memory for one entry of a table. */
#define SNAP_WINDOW_TABLE_ENTRY_BYTES (2 * sizeof(struct snap_entry))

/* SNAP_E_NOMEM; snap_window_table_free also after failure. */
enum snap_status snap_window_table_init(struct snap_window_table *table, uint64_t entries, struct snap_error *err);
void snap_window_table_free(struct snap_window_table *table);

/* SNAP_E_NOMEM; snap_window_free also after failure. The table, if the caller sets one, is borrowed. */
enum snap_status snap_window_init(struct snap_window *window, const struct snap_store *store,
                                  const struct snap_window_size *size, uint64_t origin_sectors,
                                  const struct snap_copy_control *control, bool with_buffer, struct snap_error *err);
/* Waits for the load first. */
void snap_window_free(struct snap_window *window);

/*
 * The range that follows `done` towards the head of the list: the next slice of the same entry, the next part of the
 * same window, or the first load of the window that ends where `done` began, with at most `entries_max` entries and a
 * cut in one atomic unit where there is one (snap_list_cut_single). Smaller than half of `entries_max` it only becomes
 * for such a cut if `cut_wanted`: entries behind it wait for one. A load has at most size->entries; more than that make
 * parts, for which the window needs a table. For the first window `done` is {entries, entries}.
 */
struct snap_window_range snap_window_next(const struct snap_store *store, const struct snap_window_range *done,
                                          uint64_t entries_max, const struct snap_window_size *size, bool cut_wanted);

/*
 * Loads a range: its entries, checked against both devices' sizes, their plan and their COW data. In the thread `ahead`,
 * which is borrowed and may serve several windows in turn; NULL: at once. The COW device belongs to the load until
 * snap_window_wait.
 */
void snap_window_load(struct snap_window *window, const struct snap_window_range *range, struct snap_worker *ahead);

/* Waits for the load; its status. */
enum snap_status snap_window_wait(struct snap_window *window, struct snap_error *err);

#endif

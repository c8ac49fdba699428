/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Divides the list into windows and loads, and loads them: their entries, their plan, their COW data. */
#ifndef DMSNAP_MERGE_WINDOW
#define DMSNAP_MERGE_WINDOW

#include "lib/base/worker.h"
#include "lib/check/repeated.h"
#include "lib/merge/copy.h"
#include "lib/store/header.h"

/*
 * One load of the window with the entries [first, end). Most windows are one load. Where a window is larger than the
 * buffer, its entries are sorted by their place on the origin, and each load is a part of them. Where a chunk is larger
 * than the buffer, the window is one entry, and each load is a slice of it.
 */
struct snap_window_range {
    uint64_t first, end;          /* indices; first == end: nothing is left */
    uint64_t slice_offset_bytes;
    uint64_t slice_bytes;         /* chunk_bytes where the load has whole chunks */
    bool last_load;               /* after it the entries [first, end) are merged */
    bool good_cut;                /* one atomic unit can cut the list to `first`, or `first` is 0 */
    uint64_t part_first;          /* in the order of the origin */
    uint64_t part_entries;        /* 0: the load is the whole window */
};

/*
 * The entries of a window that is larger than the buffer, in the order of the origin. A merge has one for all windows.
 */
struct snap_window_table {
    struct snap_entry *entries, *spare;
    uint64_t first, end;          /* which entries are in it; first == end: none */
};

struct snap_window {
    struct snap_window_range range;
    struct snap_window_table *table; /* NULL: no window has parts */
    struct snap_plan plan;
    uint8_t *buffer;              /* NULL: only entries are read, no data (a dry run) */
    struct snap_copy_group group;
    const struct snap_store *store;
    uint64_t origin_sectors;
    const struct snap_repeated *repeated; /* what it has at a lower index, too, is not planned; NULL: all is */
    const struct snap_copy_control *control;
    struct snap_worker *ahead;    /* the thread that loads; NULL: it was loaded at once */
    bool entries_known;           /* they were read: a failure after that is one of the data */
    enum snap_status status;      /* of the load */
    struct snap_error err;
};

/* The size of a load. */
struct snap_window_size {
    uint64_t entries;
    uint64_t slice_bytes;         /* less than a chunk only where one entry is a load */
};

/* The largest load for a window that may take `memory_bytes`, of at most `entries_wanted`. */
void snap_window_size(const struct snap_layout *layout, uint64_t memory_bytes, uint64_t entries_wanted,
                      struct snap_window_size *size);

/* The memory that one entry of a table takes. */
#define SNAP_WINDOW_TABLE_ENTRY_BYTES (2 * sizeof(struct snap_entry))

/* SNAP_E_NOMEM. Call snap_window_table_free also after a failure. */
enum snap_status snap_window_table_init(struct snap_window_table *table, uint64_t entries, struct snap_error *err);
void snap_window_table_free(struct snap_window_table *table);

/*
 * SNAP_E_NOMEM. Call snap_window_free also after a failure. A caller that has a table sets window->table; it stays the
 * caller's.
 */
enum snap_status snap_window_init(struct snap_window *window, const struct snap_store *store,
                                  const struct snap_window_size *size, uint64_t origin_sectors,
                                  const struct snap_copy_control *control, bool with_buffer, struct snap_error *err);
/* Waits for a load that is under way. */
void snap_window_free(struct snap_window *window);

/*
 * The load that follows `done` on the way to the start of the list: the next slice of the same entry; or the next part
 * of the same window; or the first load of the next window, which ends where `done` began. For the first window `done`
 * is {entries, entries}.
 *
 * A window has at most `entries_max` entries. It begins where one atomic unit can cut the list (snap_list_cut_single),
 * unless that makes it smaller than half of `entries_max`; with `cut_wanted`, which says that entries behind it wait
 * for a cut, it may become as small. A window of more than size->entries has parts, for which it needs a table.
 */
struct snap_window_range snap_window_next(const struct snap_store *store, const struct snap_window_range *done,
                                          uint64_t entries_max, const struct snap_window_size *size, bool cut_wanted);

/*
 * Loads a range: reads its entries, checks that they lie on both devices, plans them, and reads their COW data. This is
 * done in the thread `ahead`, which may serve several windows in turn; or at once, where that is NULL. Until
 * snap_window_wait nobody else may use the COW device.
 */
void snap_window_load(struct snap_window *window, const struct snap_window_range *range, struct snap_worker *ahead);

/* Waits for the load, and returns its status. */
enum snap_status snap_window_wait(struct snap_window *window, struct snap_error *err);

#endif

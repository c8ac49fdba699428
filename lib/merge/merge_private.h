/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the parts of a merge share: its state, sizes, and the entries that could not be copied. Private to merge. */
#ifndef DMSNAP_MERGE_MERGE_PRIVATE
#define DMSNAP_MERGE_MERGE_PRIVATE

#include "lib/base/clock.h"
#include "lib/merge/merge.h"
#include "lib/merge/window.h"

/* Entries that could not be copied; the confirmed ones by their place on the origin. */
struct snap_merge_bad_entries {
    struct snap_merge_bad *entries;
    size_t count, room;
    size_t confirmed;         /* the first ones: of windows that are written whole */
};

struct snap_merge {
    const struct snap_store *store;
    struct snap_io *origin;
    const struct snap_merge_job *job;
    const struct snap_merge_options *options;
    struct snap_merge_result *result;
    const struct snap_clock *clock;
    struct snap_throttle read_throttle, write_throttle, compare_throttle, aside_throttle;
    struct snap_copy_control read_control, write_control, compare_control, aside_control;
    struct snap_window_size size;
    struct snap_window windows[2];
    struct snap_worker reader; /* of the window that comes next */
    struct snap_window_table table;
    uint64_t window_entries_max; /* more than size.entries where there is a table */
    uint8_t *found;           /* what is on the origin, to be compared */
    bool read_ahead;
    bool cut_each;            /* every window is cut off the list, whatever that costs */
    bool origin_flushed;      /* since the last write to it, and since the window began */
    bool uncertain;           /* a flush or a cut failed: nothing is written any more */
    uint64_t committed;       /* everything from this index on is merged, or is bad and kept */
    uint64_t list_length;     /* of the list on disk: more than `committed` where bad entries are kept behind it */
    uint64_t commit_ns;       /* when it was last cut */
    uint64_t entries_wanted;  /* per window, from the measured speed */
    bool unflushed;           /* areas were zeroed after the COW's last flush */
    uint64_t unzeroed_areas_end; /* areas up to here could not all be zeroed */
    uint64_t stale_areas_end; /* areas behind the end, up to here, hold nothing that is missed, and are not yet zeroed */
    struct snap_merge_bad_entries bad;
};

/* Sizes, controls and, unless it is a dry run, buffers. snap_merge_tear_down also after failure. */
enum snap_status snap_merge_set_up(struct snap_merge *merge, bool dry_run, struct snap_error *err);
void snap_merge_tear_down(struct snap_merge *merge);

/* The window after `done`, as wanted by speed and memory. */
struct snap_window_range snap_merge_next_range(const struct snap_merge *merge, const struct snap_window_range *done);

/* A window shall take no longer than the checkpoint interval, by the speed of the last one. */
void snap_merge_adapt(struct snap_merge *merge, const struct snap_window_range *range, uint64_t took_ns);

/*
 * Whether the list is cut after this load of the buffer: where one atomic unit does it, or few for so much data, else
 * only when the interval has run out. A cut in the middle of an area takes a flush for each unit that it clears.
 */
bool snap_merge_commit_due(const struct snap_merge *merge, const struct snap_window_range *range);

/* Cuts the list on disk, durably; nothing happens where it is as short already. */
enum snap_status snap_merge_shorten(struct snap_merge *merge, uint64_t length, struct snap_error *err);

/*
 * Zeroes the areas that a list of this length does not reach: neither order nor tearing matters any more. Those that
 * cannot be written stay as they are.
 */
enum snap_status snap_merge_zero_leftovers(struct snap_merge *merge, struct snap_error *err);

/* All is merged but for the bad entries: takes them off the list if that is wanted, and the last traces; durably. */
enum snap_status snap_merge_end_list(struct snap_merge *merge, struct snap_error *err);

/* Adds the chunks of the window's plan that have this fate to the bad entries. SNAP_E_NOMEM. */
enum snap_status snap_merge_bad_take(struct snap_merge *merge, const struct snap_window *window, enum snap_plan_fate fate,
                                struct snap_error *err);

/* All bad entries so far belong to windows that are written whole. */
void snap_merge_bad_confirm(struct snap_merge *merge);

/*
 * Moves the confirmed bad entries, which all stand at `first` or behind, to the slots from `first` on (dmsnap-store(5),
 * ORDERS OF WRITING, "Moving bad entries"): unit by unit, in ascending order, with a flush after each. An entry only
 * ever moves towards the front, so its new slot is durable before the old one is overwritten; in between it stands in
 * the list twice, identical, which changes no view. *length becomes the length to which the list may be cut from then
 * on.
 */
enum snap_status snap_merge_bad_move(struct snap_merge *merge, uint64_t first, uint64_t *length, struct snap_error *err);

#endif

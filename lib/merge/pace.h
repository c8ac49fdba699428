/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much a merge takes at a time: the size of a load, how large the next window is, and when a cut is due. */
#ifndef DMSNAP_MERGE_PACE
#define DMSNAP_MERGE_PACE

#include "lib/merge/merge.h"
#include "lib/merge/window.h"

#define SNAP_PACE_LONG_RUN_BYTES (64u << 10)
#define SNAP_PACE_LONG_RUNS_BUFFER_BYTES (72u << 20) /* 64 MiB of data, and what goes with them */

struct snap_pace {
    const struct snap_store *store;
    const struct snap_merge_job *job;
    const struct snap_merge_options *options;
    const struct snap_clock *clock;
    struct snap_window_size load;  /* the size of one load */
    uint64_t window_entries_max;   /* larger than a load where entries are sorted in a table */
    uint64_t window_entries;       /* of the next window, by the speed of the last one */
    bool read_ahead;
    bool cut_each;                 /* each window is cut off the list, also where that takes many units */
    uint64_t last_cut_ns;
};

/* Divides the memory and chooses the size of the first window. What is named must outlive *pace. */
void snap_pace_init(struct snap_pace *pace, const struct snap_store *store, const struct snap_merge_job *job,
                    const struct snap_merge_options *options, const struct snap_clock *clock);

/* The load that follows `done` (snap_window_next). */
struct snap_window_range snap_pace_next(const struct snap_pace *pace, const struct snap_window_range *done);

/* The last window took so long: fits the next ones to options->interval_seconds. */
void snap_pace_adapt(struct snap_pace *pace, const struct snap_window_range *window, uint64_t took_ns);

/*
 * Whether the list is cut after this load. `listed` is the index up to which the list stands; `any_bad`: entries could
 * not be copied. Only after the last load of a window. It is cut where one atomic unit does it, or where a cut has few
 * units for so much data; else only when the interval is over, because each unit takes a flush.
 */
bool snap_pace_cut_due(const struct snap_pace *pace, const struct snap_window_range *load, uint64_t listed,
                       bool any_bad);

/* The list was cut now. */
void snap_pace_note_cut(struct snap_pace *pace);

/*
 * How many entries are sorted together where seeks cost; 0: as many as the buffer holds. A table that is larger than
 * the buffer makes one sweep over the origin. The COW is then read in several sweeps with gaps; where both are on the
 * same disk, that is only worth it for short runs.
 */
uint64_t snap_pace_table_entries(const struct snap_merge_job *job, enum snap_merge_seeks seeks, uint64_t memory_bytes);

/*
 * How large one buffer is, where its share of the memory is `share_bytes`. It is no larger than
 * SNAP_PACE_LONG_RUNS_BUFFER_BYTES where no seek costs and the runs have SNAP_PACE_LONG_RUN_BYTES or more on the
 * average: to sort many such runs together makes no request larger, and memory that was never used before has its
 * price, above all on virtual machines (tests/bench/README.md).
 */
uint64_t snap_pace_buffer_bytes(const struct snap_merge_job *job, enum snap_merge_seeks seeks, uint64_t share_bytes);

#endif

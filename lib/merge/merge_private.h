/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a merge, as its parts share it. Private to lib/merge. */
#ifndef DMSNAP_MERGE_MERGE_PRIVATE
#define DMSNAP_MERGE_MERGE_PRIVATE

#include "lib/base/clock.h"
#include "lib/merge/bad_entries_private.h"
#include "lib/merge/list_end_private.h"
#include "lib/merge/merge.h"
#include "lib/merge/pace.h"
#include "lib/merge/window.h"

struct snap_merge {
    const struct snap_store *store;
    struct snap_io *origin;
    const struct snap_merge_job *job;
    const struct snap_merge_options *options;
    struct snap_merge_result *result;
    const struct snap_clock *clock;
    struct snap_throttle cow_throttle, origin_throttle, siblings_throttle;
    struct snap_copy_control read_control, write_control, compare_control, copy_out_control;
    struct snap_pace pace;
    struct snap_window windows[2];   /* the one that is written, and the one that is read ahead */
    struct snap_worker reader;       /* the thread that reads ahead */
    struct snap_window_table table;
    uint8_t *found;                  /* what the origin holds, to be compared with a load */
    bool origin_flushed;             /* since the last load was written */
    bool uncertain;                  /* a flush or a cut failed: nothing is written any more */
    uint64_t committed;              /* all entries from this index on are merged, or are bad and stay */
    struct snap_list_end list_end;
    struct snap_bad_entries bad;
};

/*
 * Takes the controls and, unless it is a dry run, the buffers, for what the first members name. SNAP_E_NOMEM. Call
 * snap_merge_tear_down also after a failure.
 */
enum snap_status snap_merge_set_up(struct snap_merge *merge, bool dry_run, struct snap_error *err);
void snap_merge_tear_down(struct snap_merge *merge);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a merge would do, counted without a write and without reading data. */
#include "lib/merge/merge_private.h"

#include "lib/base/arith.h"
#include "lib/store/list_cut.h"

#include <string.h>

/* What committing the range would do to the COW. */
static void count_commit(struct snap_merge *merge, const struct snap_window_range *range)
{
    const struct snap_layout *layout = &merge->store->layout;
    const uint64_t units = snap_list_cut_units(merge->store, merge->committed, range->first);
    const uint64_t first_hidden = range->first / layout->entries_per_area + 1;
    struct snap_merge_result *result = merge->result;

    result->windows++;
    result->window_entries = snap_max(result->window_entries, merge->committed - range->first);
    result->origin_flushes++;
    merge->committed = range->first;
    if (merge->options->keep_cow)
        return;
    result->cow_flushes += units;
    result->metadata_bytes += units * snap_header_unit_bytes(merge->store);
    merge->unflushed = first_hidden < merge->stale_areas_end;
    if (merge->unflushed) {
        result->metadata_bytes += (merge->stale_areas_end - first_hidden) * layout->chunk_bytes;
        merge->stale_areas_end = first_hidden;
    }
}

enum snap_status snap_merge_dry_run(const struct snap_store *store, const struct snap_io *origin,
                                    const struct snap_merge_job *job, const struct snap_merge_options *options,
                                    struct snap_merge_result *result, struct snap_error *err)
{
    struct snap_io origin_size = *origin; /* for its size: nothing is transferred */
    struct snap_merge merge = {.store = store, .origin = &origin_size, .job = job, .options = options, .result = result};
    struct snap_window_range range = {.first = job->entries, .end = job->entries};
    enum snap_status status;

    memset(result, 0, sizeof *result);
    result->entries_left = job->entries;
    result->cow_flushes = options->keep_cow ? 0 : 1; /* the one before the first window */
    merge.stale_areas_end = snap_max(snap_div_up(job->entries, store->layout.entries_per_area), job->stale_areas_end);
    status = snap_merge_set_up(&merge, true, err);
    while (status == SNAP_OK) {
        struct snap_window *window = &merge.windows[0];

        range = snap_merge_next_range(&merge, &range);
        if (range.end == 0)
            break;
        if (options->stop && options->stop(options->stop_context))
            status = snap_fail(err, SNAP_E_STOPPED, "stopped");
        if (status != SNAP_OK)
            break;
        snap_window_load(window, &range, NULL);
        status = snap_window_wait(window, err);
        result->read_bytes += window->plan.read_bytes;
        result->written_bytes += window->plan.write_bytes;
        result->read_requests += window->plan.read_count;
        result->write_requests += window->plan.write_count;
        if (snap_merge_commit_due(&merge, &range))
            count_commit(&merge, &range);
        else if (options->verify)
            result->origin_flushes++;
    }
    if (merge.unflushed)
        result->cow_flushes++;
    snap_merge_tear_down(&merge);
    return status;
}

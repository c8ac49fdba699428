/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps the result of a merge up to date, and reports its progress. */
#include "lib/merge/figures_private.h"

#include "lib/base/arith.h"

#include <string.h>

void snap_figures_begin(struct snap_merge *merge, struct snap_merge_result *result)
{
    memset(result, 0, sizeof *result);
    result->entries_left = result->list_length = merge->job->entries;
    merge->result = result;
}

void snap_figures_add_written(void *context, uint64_t length_bytes)
{
    struct snap_merge *merge = context;
    struct snap_merge_progress progress;

    merge->result->written_bytes += length_bytes;
    progress = (struct snap_merge_progress){
        .done_bytes = snap_min(merge->result->written_bytes + merge->result->equal_bytes, merge->job->total_bytes),
        .total_bytes = merge->job->total_bytes,
        .entries_left = merge->result->entries_left,
    };
    if (merge->options->progress)
        merge->options->progress(merge->options->progress_context, &progress);
}

void snap_figures_add_equal(struct snap_merge *merge, uint64_t length_bytes)
{
    merge->result->equal_bytes += length_bytes;
    snap_figures_add_written(merge, 0); /* equal bytes are progress, too */
}

void snap_figures_add_window(struct snap_merge *merge, const struct snap_window_range *load)
{
    struct snap_merge_result *result = merge->result;

    result->bad_entries = merge->bad.confirmed;
    result->entries_left = load->first + merge->bad.confirmed;
    result->entries_merged = merge->job->entries - result->entries_left;
    result->windows++;
    result->window_entries = snap_max(result->window_entries, merge->committed - load->first);
}

void snap_figures_end(struct snap_merge *merge)
{
    struct snap_merge_result *result = merge->result;
    const struct snap_list_end *end = &merge->list_end;

    result->metadata_bytes = end->counts.written_bytes;
    result->cow_flushes = end->counts.flushes;
    result->list_length = end->length;
    if (end->length < merge->bad.confirmed) { /* bad entries were dropped */
        result->dropped_entries = merge->bad.confirmed - end->length;
        result->entries_left = end->length;
    }
}

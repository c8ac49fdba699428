/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a merge would do, counted without a write and without reading data. */
#include "lib/merge/merge_private.h"

#include "lib/base/arith.h"
#include "lib/merge/fingerprint_mask_private.h"

#include <string.h>

/* Counts what the commit of everything from load->first on would do. */
static void count_commit(struct snap_merge *merge, const struct snap_window_range *load)
{
    const struct snap_layout *layout = &merge->store->layout;
    const uint64_t units = snap_list_cut_units(merge->store, merge->committed, load->first);
    const uint64_t first_area = snap_layout_area_behind(layout, load->first);
    struct snap_list_end *end = &merge->list_end;
    struct snap_merge_result *result = merge->result;

    result->windows++;
    result->window_entries = snap_max(result->window_entries, merge->committed - load->first);
    result->origin_flushes++;
    merge->committed = load->first;
    if (merge->options->keep_cow)
        return;
    result->cow_flushes += units;
    result->metadata_bytes += units * snap_header_unit_bytes(merge->store);
    end->zeros_unflushed = first_area < end->leftover_areas_end;
    if (end->zeros_unflushed) {
        result->metadata_bytes += (end->leftover_areas_end - first_area) * layout->chunk_bytes;
        end->leftover_areas_end = first_area;
    }
}

/* The areas that are zeroed before the first window. */
static void count_leftovers(struct snap_merge *merge)
{
    struct snap_list_end *end = &merge->list_end;
    const uint64_t first_area = snap_layout_area_behind(&merge->store->layout, end->length);

    if (!snap_list_end_has_leftovers(end))
        return;
    merge->result->origin_flushes++;
    merge->result->cow_flushes++;
    merge->result->metadata_bytes += (end->leftover_areas_end - first_area) * merge->store->layout.chunk_bytes;
    end->leftover_areas_end = first_area;
}

/* Plans one load, from its entries alone, and counts its requests. */
static enum snap_status count_load(struct snap_merge *merge, const struct snap_window_range *load,
                                   struct snap_error *err)
{
    struct snap_merge_result *result = merge->result;
    struct snap_window *window = &merge->windows[0];
    enum snap_status status;

    snap_window_load(window, load, NULL);
    status = snap_window_wait(window, err);
    result->read_bytes += window->plan.read_bytes;
    result->written_bytes += window->plan.write_bytes;
    result->read_requests += window->plan.read_count;
    result->write_requests += window->plan.write_count;
    if (snap_pace_cut_due(&merge->pace, load, merge->committed, false))
        count_commit(merge, load);
    else if (merge->options->verify)
        result->origin_flushes++;
    return status;
}

enum snap_status snap_merge_dry_run(const struct snap_store *store, const struct snap_io *origin,
                                    const struct snap_merge_job *job, const struct snap_merge_options *options,
                                    struct snap_merge_result *result, struct snap_error *err)
{
    struct snap_io origin_size = *origin; /* only its size is looked at */
    struct snap_merge merge = {
        .store = store, .origin = &origin_size, .job = job, .options = options, .result = result};
    struct snap_window_range load = {.first = job->entries, .end = job->entries};
    enum snap_status status;

    memset(result, 0, sizeof *result);
    result->entries_left = job->entries;
    result->cow_flushes = options->keep_cow ? 0 : 1; /* of the list, before the first window */
    status = snap_merge_set_up(&merge, true, err);
    if (status == SNAP_OK && !options->keep_cow)
        count_leftovers(&merge);
    while (status == SNAP_OK) {
        load = snap_pace_next(&merge.pace, &load);
        if (load.end == 0)
            break;
        if (options->stop && options->stop(options->stop_context))
            status = snap_fail(err, SNAP_E_STOPPED, "stopped");
        else
            status = count_load(&merge, &load, err);
    }
    if (status == SNAP_OK && !options->keep_cow) {
        const bool drops = !options->keep_fingerprint && snap_fingerprint_mask_ends(store, job->entries);

        status = snap_fingerprint_mask_count(&merge.list_end, drops, err);
        result->metadata_bytes += merge.list_end.counts.written_bytes;
    }
    if (merge.list_end.zeros_unflushed)
        result->cow_flushes++;
    snap_merge_tear_down(&merge);
    return status;
}

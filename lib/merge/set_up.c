/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a merge takes before it begins, and gives back: its controls, its buffers, its threads. */
#include "lib/merge/merge_private.h"

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"

#include <inttypes.h>
#include <stdlib.h>

/* A rate holds for each device by itself; `throttle` is that of the device. */
static void set_up_control(struct snap_copy_control *control, struct snap_throttle *throttle,
                           const struct snap_merge *merge)
{
    const struct snap_merge_options *options = merge->options;

    *control = (struct snap_copy_control){
        .clock = merge->clock, .throttle = throttle, .stop = options->stop, .stop_context = options->stop_context};
}

static enum snap_status set_up_buffers(struct snap_merge *merge, bool dry_run, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    const struct snap_pace *pace = &merge->pace;
    enum snap_status status = SNAP_OK;

    if (pace->window_entries_max > pace->load.entries)
        status = snap_window_table_init(&merge->table, pace->window_entries_max, err);
    for (int i = 0; i < 2 && status == SNAP_OK; i++) {
        status = snap_window_init(&merge->windows[i], merge->store, &pace->load,
                                  merge->origin->size_bytes / SNAP_SECTOR_BYTES, &merge->read_control, !dry_run, err);
        merge->windows[i].table = merge->table.entries ? &merge->table : NULL;
        merge->windows[i].repeated = merge->job->repeated;
    }
    if (status == SNAP_OK && !dry_run && (options->keep_cow || options->skip_identical || options->verify)) {
        merge->found = snap_buffer_new_unset(pace->load.entries * pace->load.slice_bytes);
        if (!merge->found)
            status = snap_fail(err, SNAP_E_NOMEM,
                               "out of memory: comparing with the origin needs a buffer of %" PRIu64 " bytes",
                               pace->load.entries * pace->load.slice_bytes);
    }
    return status;
}

enum snap_status snap_merge_set_up(struct snap_merge *merge, bool dry_run, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    const uint64_t entries = merge->job->entries;

    merge->clock = options->clock ? options->clock : &snap_clock_system;
    snap_throttle_init(&merge->cow_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    snap_throttle_init(&merge->origin_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    snap_throttle_init(&merge->siblings_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    set_up_control(&merge->read_control, &merge->cow_throttle, merge);
    set_up_control(&merge->write_control, &merge->origin_throttle, merge);
    set_up_control(&merge->compare_control, &merge->origin_throttle, merge);
    set_up_control(&merge->copy_out_control, &merge->siblings_throttle, merge);
    merge->read_control.keep_going = merge->write_control.keep_going = options->continue_on_error;
    snap_pace_init(&merge->pace, merge->store, merge->job, options, merge->clock);
    merge->committed = entries;
    snap_list_end_init(&merge->list_end, merge->store, entries, merge->job->leftover_areas_end);
    return set_up_buffers(merge, dry_run, err);
}

void snap_merge_tear_down(struct snap_merge *merge)
{
    snap_worker_end(&merge->reader);
    snap_window_free(&merge->windows[0]);
    snap_window_free(&merge->windows[1]);
    snap_window_table_free(&merge->table);
    snap_buffer_free(merge->found);
    snap_bad_entries_free(&merge->bad);
}

enum snap_status snap_merge_prepare(struct snap_merge **prepared, const struct snap_store *store,
                                    struct snap_io *origin, const struct snap_merge_job *job,
                                    const struct snap_merge_options *options, struct snap_error *err)
{
    struct snap_merge *merge = calloc(1, sizeof *merge);
    enum snap_status status;

    *prepared = NULL;
    if (!merge)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    *merge = (struct snap_merge){.store = store, .origin = origin, .job = job, .options = options};
    status = snap_merge_set_up(merge, false, err);
    if (status == SNAP_OK)
        *prepared = merge;
    else
        snap_merge_release(merge);
    return status;
}

void snap_merge_release(struct snap_merge *merge)
{
    if (!merge)
        return;
    snap_merge_tear_down(merge);
    free(merge);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a merge takes before it begins: how large its windows are, by memory, rate, interval and seeks; its buffers. */
#include "lib/merge/merge_private.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "lib/store/list_cut.h"

#include <inttypes.h>
#include <stdlib.h>

#define SECOND_NS 1000000000u
/*
 * Under a rate limit: so much work at most is lost by a crash, and the first window, whose reading nothing overlaps,
 * is a small part of the whole.
 */
#define RATE_WINDOW_SECONDS 10u
#define RATE_WINDOWS_MIN 8u

#define CUT_UNIT_BYTES (64u << 20) /* merged for each flush of a cut, a flush does not matter */

/* Where seeks cost. */
#define TABLE_MEMORY_SHARE 8u
#define TABLE_RUN_BYTES_MAX (16u << 10) /* on one disk: longer runs make a table slower than windows */
#define TABLE_FIRST_RATE 1000u          /* chunks per second, for the first table: an optimist's guess */

uint64_t snap_merge_default_memory_bytes(uint64_t available_bytes)
{
    return snap_max(snap_min(available_bytes / 4, SNAP_MERGE_MEMORY_MAX_DEFAULT_BYTES), SNAP_MERGE_MEMORY_MIN_BYTES);
}

uint64_t snap_merge_table_entries(const struct snap_merge_job *job, enum snap_merge_seeks seeks, uint64_t memory_bytes)
{
    if (seeks == SNAP_MERGE_SEEKS_FREE)
        return 0;
    if (seeks == SNAP_MERGE_SEEKS_ONE_DISK && job->total_bytes / snap_max(job->runs, 1) > TABLE_RUN_BYTES_MAX)
        return 0;
    return snap_min(job->entries, memory_bytes / TABLE_MEMORY_SHARE / SNAP_WINDOW_TABLE_ENTRY_BYTES);
}

uint64_t snap_merge_buffer_bytes(const struct snap_merge_job *job, enum snap_merge_seeks seeks, uint64_t share_bytes)
{
    if (seeks != SNAP_MERGE_SEEKS_FREE || job->total_bytes / snap_max(job->runs, 1) < SNAP_MERGE_LONG_RUN_BYTES)
        return share_bytes;
    return snap_min(share_bytes, SNAP_MERGE_LONG_RUNS_BUFFER_BYTES);
}

/* Longer than a merge can take is as good as any longer. */
static uint64_t interval_of(const struct snap_merge *merge)
{
    return snap_min(merge->options->interval_seconds, UINT32_MAX) * SECOND_NS;
}

/* The most that a window shall hold, whatever the buffer holds. */
static uint64_t entries_limit(const struct snap_merge *merge)
{
    const struct snap_merge_options *options = merge->options;
    const uint64_t seconds = options->interval_seconds ? snap_min(options->interval_seconds, RATE_WINDOW_SECONDS)
                                                       : RATE_WINDOW_SECONDS;
    uint64_t limit = snap_max(merge->job->entries, 1);

    if (options->window_entries_max)
        limit = snap_min(limit, options->window_entries_max);
    if (options->rate_bytes == 0 && options->rate_requests == 0)
        return limit;
    limit = snap_min(limit, snap_div_up(merge->job->entries, RATE_WINDOWS_MIN));
    if (options->rate_bytes)
        limit = snap_min(limit, options->rate_bytes / merge->store->layout.chunk_bytes * seconds);
    if (options->rate_requests) /* at least one request per chunk: a careful guess */
        limit = snap_min(limit, options->rate_requests * seconds);
    return snap_max(limit, 1);
}

/* Divides the memory: a table where seeks cost, and of the rest an equal share for each buffer. */
static void set_sizes(struct snap_merge *merge)
{
    const struct snap_merge_options *options = merge->options;
    const bool compares = options->keep_cow || options->skip_identical || options->verify;
    const uint64_t memory_bytes = snap_max(options->memory_bytes, SNAP_MERGE_MEMORY_MIN_BYTES);
    const uint64_t limit = entries_limit(merge);
    uint64_t load_entries = options->load_entries_max ? snap_min(limit, options->load_entries_max) : limit;
    uint64_t table_entries = options->table_entries_max
                                 ? options->table_entries_max
                                 : snap_merge_table_entries(merge->job, options->seeks, memory_bytes);
    uint64_t share_bytes;

    table_entries = snap_min(limit, table_entries);
    share_bytes = (memory_bytes - table_entries * SNAP_WINDOW_TABLE_ENTRY_BYTES) / (compares ? 3 : 2);
    snap_window_size(&merge->store->layout, snap_merge_buffer_bytes(merge->job, options->seeks, share_bytes),
                     load_entries, &merge->size);
    if (merge->size.slice_bytes < merge->store->layout.chunk_bytes)
        table_entries = 0; /* a chunk of many megabytes needs no company */
    merge->window_entries_max = snap_max(table_entries, merge->size.entries);
    merge->entries_wanted = merge->window_entries_max;
    if (merge->window_entries_max > merge->size.entries && options->interval_seconds)
        merge->entries_wanted = snap_max(snap_min(merge->entries_wanted,
                                                  snap_min(options->interval_seconds, UINT32_MAX) * TABLE_FIRST_RATE),
                                         merge->size.entries);
    /* On one disk the two streams would only tear the arm to and fro. */
    merge->read_ahead = options->read_ahead && !(options->seeks == SNAP_MERGE_SEEKS_ONE_DISK &&
                                                 merge->window_entries_max > merge->size.entries);
    merge->cut_each = options->window_entries_max || options->rate_bytes || options->rate_requests;
}

static enum snap_status set_buffers(struct snap_merge *merge, bool dry_run, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    enum snap_status status = SNAP_OK;

    if (merge->window_entries_max > merge->size.entries)
        status = snap_window_table_init(&merge->table, merge->window_entries_max, err);
    for (int i = 0; i < 2 && status == SNAP_OK; i++) {
        status = snap_window_init(&merge->windows[i], merge->store, &merge->size,
                                  merge->origin->size_bytes / SNAP_SECTOR_BYTES, &merge->read_control, !dry_run, err);
        merge->windows[i].table = merge->table.entries ? &merge->table : NULL;
    }
    if (status == SNAP_OK && !dry_run && (options->keep_cow || options->skip_identical || options->verify)) {
        merge->found = snap_buffer_new_unset(merge->size.entries * merge->size.slice_bytes);
        if (!merge->found)
            status = snap_fail(err, SNAP_E_NOMEM, "out of memory for a window of %" PRIu64 " entries; try --memory",
                               merge->size.entries);
    }
    return status;
}

enum snap_status snap_merge_set_up(struct snap_merge *merge, bool dry_run, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    struct snap_copy_control control;

    merge->clock = options->clock ? options->clock : &snap_clock_system;
    snap_throttle_init(&merge->read_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    snap_throttle_init(&merge->write_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    snap_throttle_init(&merge->compare_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    snap_throttle_init(&merge->aside_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    control = (struct snap_copy_control){
        .clock = merge->clock, .stop = options->stop, .stop_context = options->stop_context};
    merge->read_control = merge->write_control = merge->compare_control = merge->aside_control = control;
    merge->read_control.throttle = &merge->read_throttle;
    merge->write_control.throttle = &merge->write_throttle;
    merge->compare_control.throttle = &merge->compare_throttle;
    merge->aside_control.throttle = &merge->aside_throttle;
    merge->read_control.keep_going = merge->write_control.keep_going = options->continue_on_error;
    set_sizes(merge);
    merge->committed = merge->list_length = merge->job->entries;
    merge->commit_ns = merge->clock->now_ns(merge->clock->context);
    return set_buffers(merge, dry_run, err);
}

void snap_merge_tear_down(struct snap_merge *merge)
{
    snap_worker_end(&merge->reader);
    snap_window_free(&merge->windows[0]);
    snap_window_free(&merge->windows[1]);
    snap_window_table_free(&merge->table);
    snap_buffer_free(merge->found);
    free(merge->bad.entries);
}

enum snap_status snap_merge_prepare(struct snap_merge **prepared, const struct snap_store *store, struct snap_io *origin,
                                    const struct snap_merge_job *job, const struct snap_merge_options *options,
                                    struct snap_error *err)
{
    struct snap_merge *merge = calloc(1, sizeof *merge);
    const uint64_t live_areas = snap_div_up(job->entries, store->layout.entries_per_area);
    enum snap_status status;

    *prepared = NULL;
    if (!merge)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory");
    *merge = (struct snap_merge){.store = store, .origin = origin, .job = job, .options = options};
    merge->stale_areas_end = snap_max(live_areas, job->stale_areas_end);
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

struct snap_window_range snap_merge_next_range(const struct snap_merge *merge, const struct snap_window_range *done)
{
    const bool waiting = done->first < done->end && !merge->cut_each && !done->good_cut;

    return snap_window_next(merge->store, done, merge->entries_wanted, &merge->size, waiting);
}

void snap_merge_adapt(struct snap_merge *merge, const struct snap_window_range *range, uint64_t took_ns)
{
    const uint64_t interval_ns = interval_of(merge);
    double entries = (double)(range->end - range->first);

    if (interval_ns == 0 || took_ns == 0)
        return;
    entries *= (double)interval_ns / (double)took_ns;
    merge->entries_wanted = entries < 1                                   ? 1
                            : entries > (double)merge->window_entries_max ? merge->window_entries_max
                                                                          : (uint64_t)entries;
}

bool snap_merge_commit_due(const struct snap_merge *merge, const struct snap_window_range *range)
{
    const uint64_t interval_ns = interval_of(merge);
    const uint64_t units = snap_list_cut_units(merge->store, merge->committed, range->first);
    const uint64_t chunks_per_unit = (merge->committed - range->first) / snap_max(units, 1);

    if (!range->last_load)
        return false;
    if (range->good_cut || merge->cut_each || merge->options->keep_cow || merge->bad.count > 0)
        return true;
    if (chunks_per_unit * merge->store->layout.chunk_bytes >= CUT_UNIT_BYTES)
        return true;
    return interval_ns != 0 && merge->clock->now_ns(merge->clock->context) - merge->commit_ns >= interval_ns;
}

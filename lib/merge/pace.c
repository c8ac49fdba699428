/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sizes of windows, from memory, rate, interval and the price of a seek. */
#include "lib/merge/pace.h"

#include "lib/base/arith.h"
#include "lib/store/list_cut.h"

#define SECOND_NS 1000000000u

/*
 * Under a rate limit a window holds at most so much work: a crash costs no more than that, and the first window, while
 * which nothing is written yet, is a small part of the whole.
 */
#define RATE_WINDOW_SECONDS 10u
#define RATE_WINDOWS_MIN 8u

#define CUT_UNIT_BYTES (64u << 20) /* where so much was merged for each unit of a cut, its flush does not matter */

/* Where seeks cost. */
#define TABLE_MEMORY_SHARE 8u
#define TABLE_RUN_BYTES_MAX (16u << 10) /* on one disk, a table is slower than windows where runs are longer */
#define TABLE_FIRST_RATE 1000u          /* chunks per second: an optimistic guess for the first table */

uint64_t snap_merge_default_memory_bytes(uint64_t available_bytes)
{
    return snap_max(snap_min(available_bytes / 4, SNAP_MERGE_MEMORY_MAX_DEFAULT_BYTES), SNAP_MERGE_MEMORY_MIN_BYTES);
}

static uint64_t average_run_bytes(const struct snap_merge_job *job)
{
    return job->total_bytes / snap_max(job->runs, 1);
}

uint64_t snap_pace_table_entries(const struct snap_merge_job *job, enum snap_merge_seeks seeks, uint64_t memory_bytes)
{
    if (seeks == SNAP_MERGE_SEEKS_FREE)
        return 0;
    if (seeks == SNAP_MERGE_SEEKS_ONE_DISK && average_run_bytes(job) > TABLE_RUN_BYTES_MAX)
        return 0;
    return snap_min(job->entries, memory_bytes / TABLE_MEMORY_SHARE / SNAP_WINDOW_TABLE_ENTRY_BYTES);
}

uint64_t snap_pace_buffer_bytes(const struct snap_merge_job *job, enum snap_merge_seeks seeks, uint64_t share_bytes)
{
    if (seeks != SNAP_MERGE_SEEKS_FREE || average_run_bytes(job) < SNAP_PACE_LONG_RUN_BYTES)
        return share_bytes;
    return snap_min(share_bytes, SNAP_PACE_LONG_RUNS_BUFFER_BYTES);
}

/* No merge takes longer than the largest of these. */
static uint64_t interval_seconds(const struct snap_pace *pace)
{
    return snap_min(pace->options->interval_seconds, UINT32_MAX);
}

static uint64_t interval_ns(const struct snap_pace *pace)
{
    return interval_seconds(pace) * SECOND_NS;
}

/* The most entries that a window shall have, whatever the buffer holds. */
static uint64_t entries_limit(const struct snap_pace *pace)
{
    const struct snap_merge_options *options = pace->options;
    const uint64_t seconds = options->interval_seconds ? snap_min(options->interval_seconds, RATE_WINDOW_SECONDS)
                                                       : RATE_WINDOW_SECONDS;
    uint64_t limit = snap_max(pace->job->entries, 1);

    if (options->window_entries_max)
        limit = snap_min(limit, options->window_entries_max);
    if (options->rate_bytes == 0 && options->rate_requests == 0)
        return limit;
    limit = snap_min(limit, snap_div_up(pace->job->entries, RATE_WINDOWS_MIN));
    if (options->rate_bytes)
        limit = snap_min(limit, options->rate_bytes / pace->store->layout.chunk_bytes * seconds);
    if (options->rate_requests) /* a chunk may take one request of its own; often several chunks share one */
        limit = snap_min(limit, options->rate_requests * seconds);
    return snap_max(limit, 1);
}

static bool has_table(const struct snap_pace *pace)
{
    return pace->window_entries_max > pace->load.entries;
}

/* Divides the memory: a table where seeks cost, and of the rest an equal share for each buffer. */
static void set_sizes(struct snap_pace *pace)
{
    const struct snap_merge_options *options = pace->options;
    const bool compares = options->keep_cow || options->skip_identical || options->verify;
    const uint64_t memory_bytes = snap_max(options->memory_bytes, SNAP_MERGE_MEMORY_MIN_BYTES);
    const uint64_t limit = entries_limit(pace);
    const uint64_t load_entries = options->load_entries_max ? snap_min(limit, options->load_entries_max) : limit;
    uint64_t table_entries = options->table_entries_max
                                 ? options->table_entries_max
                                 : snap_pace_table_entries(pace->job, options->seeks, memory_bytes);
    uint64_t share_bytes;

    table_entries = snap_min(limit, table_entries);
    share_bytes = (memory_bytes - table_entries * SNAP_WINDOW_TABLE_ENTRY_BYTES) / (compares ? 3 : 2);
    snap_window_size(&pace->store->layout, snap_pace_buffer_bytes(pace->job, options->seeks, share_bytes),
                     load_entries, &pace->load);
    if (pace->load.slice_bytes < pace->store->layout.chunk_bytes)
        table_entries = 0; /* chunks of many megabytes are written one by one anyway */
    pace->window_entries_max = snap_max(table_entries, pace->load.entries);
}

void snap_pace_init(struct snap_pace *pace, const struct snap_store *store, const struct snap_merge_job *job,
                    const struct snap_merge_options *options, const struct snap_clock *clock)
{
    *pace = (struct snap_pace){.store = store, .job = job, .options = options, .clock = clock};
    set_sizes(pace);
    pace->window_entries = pace->window_entries_max;
    if (has_table(pace) && options->interval_seconds)
        pace->window_entries = snap_max(snap_min(pace->window_entries, interval_seconds(pace) * TABLE_FIRST_RATE),
                                        pace->load.entries);
    /* On one disk, reading ahead while a table is written would only add seeks. */
    pace->read_ahead = options->read_ahead && !(options->seeks == SNAP_MERGE_SEEKS_ONE_DISK && has_table(pace));
    pace->cut_each = options->window_entries_max || options->rate_bytes || options->rate_requests;
    snap_pace_note_cut(pace);
}

struct snap_window_range snap_pace_next(const struct snap_pace *pace, const struct snap_window_range *done)
{
    const bool cut_wanted = done->first < done->end && !pace->cut_each && !done->good_cut;

    return snap_window_next(pace->store, done, pace->window_entries, &pace->load, cut_wanted);
}

void snap_pace_adapt(struct snap_pace *pace, const struct snap_window_range *window, uint64_t took_ns)
{
    double entries = (double)(window->end - window->first);

    if (interval_ns(pace) == 0 || took_ns == 0)
        return;
    entries *= (double)interval_ns(pace) / (double)took_ns;
    if (entries < 1)
        pace->window_entries = 1;
    else if (entries > (double)pace->window_entries_max)
        pace->window_entries = pace->window_entries_max;
    else
        pace->window_entries = (uint64_t)entries;
}

bool snap_pace_cut_due(const struct snap_pace *pace, const struct snap_window_range *load, uint64_t listed,
                       bool any_bad)
{
    const uint64_t units = snap_list_cut_units(pace->store, listed, load->first);
    const uint64_t chunks_per_unit = (listed - load->first) / snap_max(units, 1);

    if (!load->last_load)
        return false;
    if (load->good_cut || pace->cut_each || pace->options->keep_cow || any_bad)
        return true;
    if (chunks_per_unit * pace->store->layout.chunk_bytes >= CUT_UNIT_BYTES)
        return true;
    return interval_ns(pace) != 0 &&
           pace->clock->now_ns(pace->clock->context) - pace->last_cut_ns >= interval_ns(pace);
}

void snap_pace_note_cut(struct snap_pace *pace)
{
    pace->last_cut_ns = pace->clock->now_ns(pace->clock->context);
}

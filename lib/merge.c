/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "merge.h"

#include "arith.h"
#include "window.h"

#include <inttypes.h>
#include <string.h>

#define SECOND_NS 1000000000u
/*
 * Under a rate limit: so much work at most is lost by a crash, and the first window, whose reading nothing overlaps,
 * is a small part of the whole.
 */
#define RATE_WINDOW_SECONDS 10u
#define RATE_WINDOWS_MIN 8u

#define CUT_UNIT_BYTES (64u << 20) /* merged for each flush of a cut, a flush does not matter */

struct merge {
    const struct snap_store *store;
    struct snap_io *origin;
    const struct snap_merge_job *job;
    const struct snap_merge_options *options;
    struct snap_merge_result *result;
    const struct snap_clock *clock;
    struct snap_throttle read_throttle, write_throttle, compare_throttle;
    struct snap_copy_control read_control, write_control, compare_control;
    struct snap_window_size size;
    struct snap_window windows[2];
    uint8_t *found;           /* keep_cow: what is on the origin */
    bool cut_each;            /* every window is cut off the list, whatever that costs */
    uint64_t committed;       /* length of the list on disk */
    uint64_t commit_ns;       /* when it was last cut */
    uint64_t entries_wanted;  /* per window, from the measured speed */
    bool unflushed;           /* areas were zeroed after the COW's last flush */
    uint64_t stale_areas_end; /* areas behind the end, up to here, are merged and not yet zeroed */
};

uint64_t snap_merge_default_memory_bytes(uint64_t available_bytes)
{
    return snap_max(snap_min(available_bytes / 4, SNAP_MERGE_MEMORY_MAX_DEFAULT_BYTES), SNAP_MERGE_MEMORY_MIN_BYTES);
}

static void report_progress(void *context, uint64_t length_bytes)
{
    struct merge *merge = context;
    struct snap_merge_progress progress;

    merge->result->written_bytes += length_bytes;
    progress = (struct snap_merge_progress){
        .done_bytes = merge->result->written_bytes + merge->result->equal_bytes,
        .total_bytes = merge->job->total_bytes,
        .entries_left = merge->result->entries_left,
    };
    if (merge->options->progress)
        merge->options->progress(merge->options->progress_context, &progress);
}

static enum snap_status set_up(struct merge *merge, bool dry_run, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    const struct snap_layout *layout = &merge->store->layout;
    const uint64_t memory_bytes = snap_max(options->memory_bytes, SNAP_MERGE_MEMORY_MIN_BYTES);
    uint64_t wanted = snap_max(merge->job->entries, 1);
    enum snap_status status;

    merge->clock = options->clock ? options->clock : &snap_clock_system;
    snap_throttle_init(&merge->read_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    snap_throttle_init(&merge->write_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    snap_throttle_init(&merge->compare_throttle, merge->clock, options->rate_bytes, options->rate_requests);
    merge->read_control = (struct snap_copy_control){
        merge->clock, &merge->read_throttle, options->stop, options->stop_context, NULL, NULL};
    merge->write_control = (struct snap_copy_control){
        merge->clock, &merge->write_throttle, options->stop, options->stop_context, report_progress, merge};

    merge->compare_control = (struct snap_copy_control){
        merge->clock, &merge->compare_throttle, options->stop, options->stop_context, NULL, NULL};

    if (options->window_entries_max)
        wanted = snap_min(wanted, options->window_entries_max);
    if (options->load_entries_max)
        wanted = snap_min(wanted, options->load_entries_max);
    if (options->rate_bytes || options->rate_requests) {
        const uint64_t seconds = options->interval_seconds ? snap_min(options->interval_seconds, RATE_WINDOW_SECONDS)
                                                           : RATE_WINDOW_SECONDS;

        wanted = snap_min(wanted, snap_div_up(merge->job->entries, RATE_WINDOWS_MIN));
        if (options->rate_bytes)
            wanted = snap_min(wanted, options->rate_bytes / layout->chunk_bytes * seconds);
        if (options->rate_requests) /* at least one request per chunk: a careful guess */
            wanted = snap_min(wanted, options->rate_requests * seconds);
        wanted = snap_max(wanted, 1);
    }
    snap_window_size(layout, memory_bytes / (options->keep_cow ? 3 : 2), wanted, &merge->size);
    merge->entries_wanted = merge->size.entries;
    merge->cut_each = options->window_entries_max || options->rate_bytes || options->rate_requests;
    merge->committed = merge->job->entries;
    merge->commit_ns = merge->clock->now_ns(merge->clock->context);
    status = snap_window_init(&merge->windows[0], merge->store, &merge->size,
                              merge->origin->size_bytes / SNAP_SECTOR_BYTES, &merge->read_control, !dry_run, err);
    if (status == SNAP_OK)
        status = snap_window_init(&merge->windows[1], merge->store, &merge->size,
                                  merge->origin->size_bytes / SNAP_SECTOR_BYTES, &merge->read_control, !dry_run, err);
    if (status == SNAP_OK && options->keep_cow && !dry_run) {
        merge->found = snap_io_buffer_new_unset(merge->size.entries * merge->size.slice_bytes);
        if (!merge->found)
            status = snap_fail(err, SNAP_E_NOMEM, "out of memory for a window of %" PRIu64 " entries; try --memory",
                               merge->size.entries);
    }
    return status;
}

static void tear_down(struct merge *merge)
{
    snap_window_free(&merge->windows[0]);
    snap_window_free(&merge->windows[1]);
    snap_io_buffer_free(merge->found);
}

/* A window shall take no longer than the checkpoint interval, by the speed of the last one. */
static void adapt(struct merge *merge, const struct snap_window_range *range, uint64_t took_ns)
{
    const uint64_t interval_ns = merge->options->interval_seconds * SECOND_NS;
    double entries = (double)(range->end - range->first);

    if (interval_ns == 0 || took_ns == 0)
        return;
    entries *= (double)interval_ns / (double)took_ns;
    merge->entries_wanted = entries < 1                            ? 1
                            : entries > (double)merge->size.entries ? merge->size.entries
                                                                    : (uint64_t)entries;
}

/* Zeroes the areas that the cut to `entries` hid: unreachable, so neither order nor tearing matters any more. */
static enum snap_status clear_hidden_areas(struct merge *merge, uint64_t entries, struct snap_error *err)
{
    const struct snap_layout *layout = &merge->store->layout;
    const uint64_t first_area = entries / layout->entries_per_area + 1;
    struct snap_error reason;
    enum snap_status status;

    if (first_area >= merge->stale_areas_end)
        return SNAP_OK;
    status = snap_store_zero_areas(merge->store, first_area, merge->stale_areas_end - first_area, &reason);
    if (status == SNAP_E_IO) { /* hygiene only: a bad sector there holds nobody up */
        merge->unflushed = true;
        merge->stale_areas_end = first_area;
        return SNAP_OK;
    }
    if (status != SNAP_OK && err)
        *err = reason;
    if (status == SNAP_OK) {
        merge->unflushed = true;
        merge->result->metadata_bytes += (merge->stale_areas_end - first_area) * layout->chunk_bytes;
        merge->stale_areas_end = first_area;
    }
    return status;
}

static void count_window(struct merge *merge, const struct snap_window_range *range)
{
    struct snap_merge_result *result = merge->result;

    result->entries_merged += merge->committed - range->first;
    result->entries_left = range->first;
    result->windows++;
    result->window_entries = snap_max(result->window_entries, merge->committed - range->first);
    merge->committed = range->first;
    merge->commit_ns = merge->clock->now_ns(merge->clock->context);
}

/*
 * Whether the list is cut after this load of the buffer: where one atomic unit does it, or few for so much data, else
 * only when the interval has run out. A cut in the middle of an area takes a flush for each unit that it clears.
 */
static bool commit_due(const struct merge *merge, const struct snap_window_range *range)
{
    const uint64_t interval_ns = merge->options->interval_seconds * SECOND_NS;
    const uint64_t units = snap_store_cut_units(merge->store, merge->committed, range->first);
    const uint64_t chunks_per_unit = (merge->committed - range->first) / snap_max(units, 1);

    return range->last_slice &&
           (range->good_cut || chunks_per_unit * merge->store->layout.chunk_bytes >= CUT_UNIT_BYTES || merge->cut_each || merge->options->keep_cow ||
            (interval_ns != 0 && merge->clock->now_ns(merge->clock->context) - merge->commit_ns >= interval_ns));
}

/* The origin is durable; the COW stays as it is. */
static enum snap_status commit_kept(struct merge *merge, const struct snap_window_range *range, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;

    count_window(merge, range);
    return options->checkpoint ? options->checkpoint(options->checkpoint_context, range->first, err) : SNAP_OK;
}

/* Takes what the origin holds already out of the window's writes. */
static enum snap_status drop_equal(struct merge *merge, struct snap_window *window, struct snap_error *err)
{
    struct snap_error reason;
    enum snap_status status = snap_copy_read_origin(&window->plan, merge->origin, merge->found, &window->group,
                                                    &merge->compare_control, &reason);

    if (status == SNAP_E_IO)
        return SNAP_OK; /* what cannot be read is written */
    if (status != SNAP_OK) {
        if (err)
            *err = reason;
        return status;
    }
    snap_plan_drop_equal(&window->plan, window->buffer, merge->found);
    merge->result->equal_bytes += window->plan.equal_bytes;
    report_progress(merge, 0);
    return SNAP_OK;
}

/*
 * Makes the merge of everything from `first` on durable. Format 14a and "Shortening without tearing": the list may only lose entries
 * whose data the origin durably has. So the origin's flush comes first, also when nothing was written to it (an earlier
 * run may have written the same data and have been killed before its flush); only then the cut, itself durable before
 * the window counts. A failed flush ends the run: what it lost may look clean from then on.
 */
static enum snap_status commit(struct merge *merge, const struct snap_window_range *range, struct snap_error *err)
{
    struct snap_shorten_counts counts = {0};
    struct snap_merge_result *result = merge->result;
    enum snap_status status = snap_io_flush(merge->origin, err);

    result->origin_flushes++;
    if (status != SNAP_OK)
        return status;
    if (merge->options->keep_cow)
        return commit_kept(merge, range, err);
    status = snap_store_shorten(merge->store, merge->committed, range->first, &counts, err);
    result->metadata_bytes += counts.written_bytes;
    result->cow_flushes += counts.flushes;
    if (status != SNAP_OK)
        return status;
    merge->unflushed = false;
    count_window(merge, range);
    return clear_hidden_areas(merge, range->first, err);
}

/*
 * What the list looks like now must be what it looks like after a power failure, or the next cut could become durable
 * before the last one of an earlier run, which was killed between the write and its flush: entries behind a terminator.
 */
static enum snap_status settle(struct merge *merge, struct snap_error *err)
{
    merge->result->cow_flushes++;
    return snap_io_flush(merge->store->io, err);
}

/*
 * The merge. While a window is written to the origin, a thread reads the next one's COW data, which no step of ours
 * changes; it has ended before the COW is written to. A stop leaves the open window uncommitted. *finished is the last
 * range that was written whole; *uncertain is set where a flush or a cut failed.
 */
static enum snap_status merge_windows(struct merge *merge, struct snap_window_range *finished, bool *uncertain,
                                      struct snap_error *err)
{
    struct snap_window *window = &merge->windows[0], *ahead = &merge->windows[1];
    struct snap_window_range range =
        snap_window_next(merge->store, finished, merge->entries_wanted, merge->size.slice_bytes, false);
    uint64_t start_ns = merge->clock->now_ns(merge->clock->context);
    enum snap_status status = SNAP_OK;

    if (range.end > 0)
        snap_window_load(window, &range, false);
    while (range.end > 0 && status == SNAP_OK) {
        struct snap_window_range next;
        struct snap_window *swap = window;

        status = snap_window_wait(window, err);
        if (status != SNAP_OK)
            break;
        next = snap_window_next(merge->store, &range, merge->entries_wanted, merge->size.slice_bytes,
                                !merge->cut_each && !range.good_cut);
        if (next.end > 0 && merge->options->read_ahead)
            snap_window_load(ahead, &next, true);

        if (merge->options->keep_cow && range.end > merge->options->compare_from)
            status = drop_equal(merge, window, err);
        if (status == SNAP_OK)
            status = snap_copy_write(&window->plan, merge->origin, window->buffer, &window->group,
                                     &merge->write_control, err);
        merge->result->read_bytes += window->plan.read_bytes;
        merge->result->read_requests += window->plan.read_count;
        merge->result->write_requests += window->plan.write_count;

        (void)snap_window_wait(ahead, NULL); /* from here on the COW is ours; its status is looked at in its turn */
        if (status == SNAP_OK && commit_due(merge, &range)) {
            status = commit(merge, &range, err);
            *uncertain = status != SNAP_OK;
        }
        if (status == SNAP_OK && range.last_slice) {
            *finished = range;
            adapt(merge, &range, merge->clock->now_ns(merge->clock->context) - start_ns);
            start_ns = merge->clock->now_ns(merge->clock->context);
        }
        if (status == SNAP_OK && next.end > 0 && !merge->options->read_ahead)
            snap_window_load(ahead, &next, false);
        range = next;
        window = ahead;
        ahead = swap;
    }
    return status;
}

/* Whatever ended the merge: what was written whole before it, and waits for a cut, is made to count. */
static void commit_finished(struct merge *merge, const struct snap_window_range *finished)
{
    struct snap_error ignored; /* the first failure is the one to tell */

    if (finished->first < merge->committed)
        (void)commit(merge, finished, &ignored);
}

enum snap_status snap_merge(const struct snap_store *store, struct snap_io *origin, const struct snap_merge_job *job,
                            const struct snap_merge_options *options, struct snap_merge_result *result,
                            struct snap_error *err)
{
    struct merge merge = {.store = store, .origin = origin, .job = job, .options = options, .result = result};
    const uint64_t live_areas = snap_div_up(job->entries, store->layout.entries_per_area);
    struct snap_window_range finished = {.first = job->entries, .end = job->entries};
    bool uncertain = false; /* a flush or a cut failed: nothing is written any more */
    enum snap_status status;

    memset(result, 0, sizeof *result);
    result->entries_left = job->entries;
    merge.stale_areas_end = snap_max(live_areas, job->stale_areas_end);
    status = set_up(&merge, false, err);
    if (status == SNAP_OK && !options->keep_cow)
        status = settle(&merge, err);
    if (status == SNAP_OK) {
        status = merge_windows(&merge, &finished, &uncertain, err);
        if (status != SNAP_OK && !uncertain)
            commit_finished(&merge, &finished);
    }
    if (status == SNAP_OK && !options->keep_cow)
        status = clear_hidden_areas(&merge, 0, err); /* where no window was open: left by an earlier run */
    if (status == SNAP_OK && merge.unflushed) {
        status = snap_io_flush(store->io, err);
        result->cow_flushes++;
    }
    tear_down(&merge);
    return status;
}

/* What committing the range would do to the COW. */
static void count_commit(struct merge *merge, const struct snap_window_range *range)
{
    const struct snap_layout *layout = &merge->store->layout;
    const uint64_t units = snap_store_cut_units(merge->store, merge->committed, range->first);
    const uint64_t first_hidden = range->first / layout->entries_per_area + 1;
    struct snap_merge_result *result = merge->result;

    result->windows++;
    result->window_entries = snap_max(result->window_entries, merge->committed - range->first);
    result->origin_flushes++;
    merge->committed = range->first;
    if (merge->options->keep_cow)
        return;
    result->cow_flushes += units;
    result->metadata_bytes += units * snap_store_unit_bytes(merge->store);
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
    struct merge merge = {.store = store, .origin = &origin_size, .job = job, .options = options, .result = result};
    struct snap_window_range range = {.first = job->entries, .end = job->entries};
    enum snap_status status;

    memset(result, 0, sizeof *result);
    result->entries_left = job->entries;
    result->cow_flushes = options->keep_cow ? 0 : 1; /* settle */
    merge.stale_areas_end = snap_max(snap_div_up(job->entries, store->layout.entries_per_area), job->stale_areas_end);
    status = set_up(&merge, true, err);
    while (status == SNAP_OK) {
        struct snap_window *window = &merge.windows[0];

        range = snap_window_next(store, &range, merge.entries_wanted, merge.size.slice_bytes,
                                 !merge.cut_each && !range.good_cut);
        if (range.end == 0)
            break;
        if (options->stop && options->stop(options->stop_context))
            status = snap_fail(err, SNAP_E_STOPPED, "stopped");
        if (status != SNAP_OK)
            break;
        snap_window_load(window, &range, false);
        status = snap_window_wait(window, err);
        result->read_bytes += window->plan.read_bytes;
        result->written_bytes += window->plan.write_bytes;
        result->read_requests += window->plan.read_count;
        result->write_requests += window->plan.write_count;
        if (commit_due(&merge, &range))
            count_commit(&merge, &range);
    }
    if (merge.unflushed)
        result->cow_flushes++;
    tear_down(&merge);
    return status;
}

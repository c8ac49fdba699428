/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/merge/merge_private.h"

#include "lib/base/arith.h"
#include "lib/store/list_cut.h"

#include <inttypes.h>
#include <string.h>

static void report_progress(void *context, uint64_t length_bytes)
{
    struct snap_merge *merge = context;
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

static void count_window(struct snap_merge *merge, const struct snap_window_range *range)
{
    struct snap_merge_result *result = merge->result;

    result->bad_entries = merge->bad.confirmed;
    result->entries_left = range->first + merge->bad.confirmed;
    result->entries_merged = merge->job->entries - result->entries_left;
    result->windows++;
    result->window_entries = snap_max(result->window_entries, merge->committed - range->first);
    merge->committed = range->first;
    merge->commit_ns = merge->clock->now_ns(merge->clock->context);
}

/* What was written to the origin is durable. A failed flush ends the run: what it lost may look clean from then on. */
static enum snap_status flush_origin(struct snap_merge *merge, struct snap_error *err)
{
    enum snap_status status;

    if (merge->origin_flushed)
        return SNAP_OK;
    status = snap_io_flush(merge->origin, err);
    merge->result->origin_flushes++;
    merge->origin_flushed = status == SNAP_OK;
    merge->uncertain |= status != SNAP_OK;
    return status;
}

enum snap_status snap_merge_shorten(struct snap_merge *merge, uint64_t length, struct snap_error *err)
{
    struct snap_list_cut_counts counts = {0};
    enum snap_status status;

    if (length >= merge->list_length)
        return SNAP_OK;
    status = snap_list_cut(merge->store, merge->list_length, length, &counts, err);
    merge->result->metadata_bytes += counts.written_bytes;
    merge->result->cow_flushes += counts.flushes;
    if (status != SNAP_OK)
        return status;
    merge->unflushed = false;
    merge->list_length = merge->result->list_length = length;
    return SNAP_OK;
}

/*
 * Makes the merge of everything from range->first on durable. dmsnap-store(5), ORDERS OF WRITING: the list may
 * only lose entries whose data the origin durably has. So the origin's flush comes first, also when nothing was written
 * to it (an earlier run may have written the same data and have been killed before its flush); then entries that could
 * not be copied are moved in front of the cut, durably; only then the cut, itself durable before the window counts.
 */
static enum snap_status commit(struct snap_merge *merge, const struct snap_window_range *range, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    uint64_t length = range->first;
    enum snap_status status = flush_origin(merge, err);

    if (status != SNAP_OK)
        return status;
    if (options->keep_cow) { /* the origin is durable; the COW stays as it is */
        count_window(merge, range);
        return options->checkpoint ? options->checkpoint(options->checkpoint_context, range->first, err) : SNAP_OK;
    }
    status = snap_merge_bad_move(merge, range->first, &length, err);
    if (status == SNAP_OK)
        status = snap_merge_shorten(merge, length, err);
    if (status != SNAP_OK)
        return status;
    count_window(merge, range);
    return snap_merge_zero_leftovers(merge, err);
}

/*
 * What the lists look like now must be what they look like after a power failure, or the next cut could become durable
 * before the last one of an earlier run, which was killed between the write and its flush: entries behind a terminator.
 * And a sibling's entries, which are why a chunk is not copied to it, could be gone when the origin has changed.
 */
static enum snap_status flush_lists(struct snap_merge *merge, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < options->sibling_count && status == SNAP_OK; i++)
        status = snap_sibling_flush_list(options->siblings[i], err);
    if (status != SNAP_OK || options->keep_cow)
        return status;
    merge->result->cow_flushes++;
    return snap_io_flush(merge->store->io, err);
}

/* Takes what the origin holds already out of the window's writes. *dropped: that is known. */
static enum snap_status drop_equal(struct snap_merge *merge, struct snap_window *window, bool *dropped,
                                   struct snap_error *err)
{
    struct snap_error reason;
    enum snap_status status = snap_copy_read_target(&window->plan, merge->origin, merge->found, &window->group,
                                                    &merge->compare_control, &reason);

    if (status == SNAP_E_IO)
        return SNAP_OK; /* what cannot be read is written */
    if (status != SNAP_OK) {
        if (err)
            *err = reason;
        return status;
    }
    *dropped = true;
    snap_plan_drop_equal(&window->plan, window->buffer, merge->found);
    merge->result->equal_bytes += window->plan.equal_bytes;
    report_progress(merge, 0);
    return SNAP_OK;
}

/* Where the two differ first; `length_bytes` where they do not. */
static uint32_t first_difference(const uint8_t *a, const uint8_t *b, uint32_t length_bytes)
{
    uint32_t at_bytes = 0;

    if (memcmp(a, b, length_bytes) == 0)
        return length_bytes;
    while (a[at_bytes] == b[at_bytes])
        at_bytes++;
    return at_bytes;
}

/* Reads back what the load has written, once it is durable, and compares it with what should be there. */
static enum snap_status verify(struct snap_merge *merge, struct snap_window *window, struct snap_error *err)
{
    const struct snap_plan *plan = &window->plan;
    enum snap_status status = flush_origin(merge, err);

    if (status == SNAP_OK)
        status = snap_copy_read_target(&window->plan, merge->origin, merge->found, &window->group,
                                       &merge->compare_control, err);
    for (size_t w = 0; w < plan->write_count && status == SNAP_OK; w++) {
        const struct snap_plan_piece *piece = &plan->pieces[plan->writes[w].first_piece];
        uint64_t at_bytes = plan->writes[w].target_offset_bytes;

        for (size_t p = 0; p < plan->writes[w].pieces && status == SNAP_OK; p++, piece++) {
            const uint32_t same_bytes = first_difference(window->buffer + piece->buffer_offset_bytes,
                                                         merge->found + piece->buffer_offset_bytes, piece->length_bytes);

            if (same_bytes < piece->length_bytes)
                status = snap_fail(err, SNAP_E_IO, "%s: byte %" PRIu64 " does not read back as it was written: do not "
                                   "trust this device", merge->origin->name, at_bytes + same_bytes);
            at_bytes += piece->length_bytes;
        }
        if (status == SNAP_OK)
            merge->result->verified_bytes += plan->writes[w].length_bytes;
    }
    return status;
}

/*
 * The other stores of this origin get what the load is about to replace: the content first, in all of them; then the
 * entries, in all of them, durably; only then the origin may change (dmsnap-store(5), ORDERS OF WRITING, "Copying
 * out"). Only now, after the writes of the load before: content that was read earlier could be from before them, and be
 * copied twice.
 */
static enum snap_status preserve(struct snap_merge *merge, struct snap_plan *plan, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    struct snap_copy_control reads = merge->compare_control;
    enum snap_status status = SNAP_OK;

    reads.keep_going = options->continue_on_error;
    for (size_t i = 0; i < options->sibling_count && status == SNAP_OK; i++)
        status = snap_sibling_copy(options->siblings[i], merge->origin, plan, &reads, &merge->aside_control, err);
    for (size_t i = 0; i < options->sibling_count && status == SNAP_OK; i++)
        status = snap_sibling_commit(options->siblings[i], err);
    for (size_t i = 0; i < options->sibling_count; i++)
        merge->uncertain |= !snap_sibling_usable(options->siblings[i]);
    return status;
}

/* One load of the buffer on its way to the origin. */
static enum snap_status write_load(struct snap_merge *merge, struct snap_window *window,
                                   const struct snap_window_range *range, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    struct snap_plan *plan = &window->plan;
    const size_t bad_before = plan->bad_count;
    bool dropped = false;
    enum snap_status status = snap_merge_bad_take(merge, window, SNAP_PLAN_UNREADABLE, err);

    merge->origin_flushed = false; /* also where nothing is written: see commit */
    merge->result->read_bytes += plan->read_bytes;
    merge->result->read_requests += plan->read_count;
    if (status == SNAP_OK && (options->skip_identical || (options->keep_cow && range->end > options->compare_from)))
        status = drop_equal(merge, window, &dropped, err);
    if (status == SNAP_OK)
        status = preserve(merge, plan, err);
    if (status == SNAP_OK && plan->bad_count > bad_before) { /* what could not be kept stays on the origin */
        if (dropped)
            snap_plan_drop_equal(plan, window->buffer, merge->found);
        else
            snap_plan_drop_bad(plan);
        status = snap_merge_bad_take(merge, window, SNAP_PLAN_UNKEPT, err);
    }
    if (status == SNAP_OK)
        status = snap_copy_write(plan, merge->origin, window->buffer, &window->group, &merge->write_control, err);
    merge->result->write_requests += plan->write_count;
    if (status == SNAP_OK)
        status = snap_merge_bad_take(merge, window, SNAP_PLAN_UNWRITABLE, err);
    if (status == SNAP_OK && options->verify) {
        if (plan->bad_count > 0)
            snap_plan_drop_bad(plan);
        status = verify(merge, window, err);
    }
    return status;
}

/*
 * The merge. While a window is written to the origin, a thread reads the next one's COW data, which no step of ours
 * changes; it has ended before the COW is written to. A stop leaves the open window uncommitted. *finished is the last
 * range that was written whole.
 */
static enum snap_status merge_windows(struct snap_merge *merge, struct snap_window_range *finished, struct snap_error *err)
{
    struct snap_window *window = &merge->windows[0], *ahead = &merge->windows[1];
    struct snap_window_range range = snap_merge_next_range(merge, finished);
    uint64_t start_ns = merge->clock->now_ns(merge->clock->context);
    enum snap_status status = SNAP_OK;

    if (range.end > 0)
        snap_window_load(window, &range, NULL);
    while (range.end > 0 && status == SNAP_OK) {
        struct snap_window_range next;
        struct snap_window *swap = window;

        status = snap_window_wait(window, err);
        if (status != SNAP_OK)
            break;
        next = snap_merge_next_range(merge, &range);
        if (next.end > 0 && merge->read_ahead)
            snap_window_load(ahead, &next, &merge->reader);

        status = write_load(merge, window, &range, err);

        (void)snap_window_wait(ahead, NULL); /* from here on the COW is ours; its status is looked at in its turn */
        if (status == SNAP_OK && range.last_load)
            snap_merge_bad_confirm(merge);
        if (status == SNAP_OK && snap_merge_commit_due(merge, &range)) {
            status = commit(merge, &range, err);
            merge->uncertain |= status != SNAP_OK;
        }
        if (status == SNAP_OK && range.last_load) {
            *finished = range;
            snap_merge_adapt(merge, &range, merge->clock->now_ns(merge->clock->context) - start_ns);
            start_ns = merge->clock->now_ns(merge->clock->context);
        }
        if (status == SNAP_OK && next.end > 0 && !merge->read_ahead)
            snap_window_load(ahead, &next, NULL);
        range = next;
        window = ahead;
        ahead = swap;
    }
    return status;
}

/* Whatever ended the merge: what was written whole before it, and waits for a cut, is made to count. */
static void commit_finished(struct snap_merge *merge, const struct snap_window_range *finished)
{
    struct snap_error ignored; /* the first failure is the one to tell */

    if (finished->first < merge->committed)
        (void)commit(merge, finished, &ignored);
}

enum snap_status snap_merge_run(struct snap_merge *merge, struct snap_merge_result *result, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    struct snap_window_range finished = {.first = merge->job->entries, .end = merge->job->entries};
    enum snap_status status;

    memset(result, 0, sizeof *result);
    result->entries_left = result->list_length = merge->job->entries;
    merge->result = result;
    merge->write_control.done = report_progress;
    merge->write_control.done_context = merge;
    merge->commit_ns = merge->clock->now_ns(merge->clock->context);
    status = flush_lists(merge, err);
    if (status == SNAP_OK) {
        status = merge_windows(merge, &finished, err);
        if (status != SNAP_OK && !merge->uncertain)
            commit_finished(merge, &finished);
    }
    for (size_t i = 0; options->bad && i < merge->bad.confirmed; i++)
        options->bad(options->bad_context, &merge->bad.entries[i]);
    return status == SNAP_OK && !options->keep_cow ? snap_merge_end_list(merge, err) : status;
}

enum snap_status snap_merge(const struct snap_store *store, struct snap_io *origin, const struct snap_merge_job *job,
                            const struct snap_merge_options *options, struct snap_merge_result *result,
                            struct snap_error *err)
{
    struct snap_merge *merge;
    enum snap_status status = snap_merge_prepare(&merge, store, origin, job, options, err);

    if (status == SNAP_OK) {
        status = snap_merge_run(merge, result, err);
    } else {
        memset(result, 0, sizeof *result);
        result->entries_left = result->list_length = job->entries;
    }
    snap_merge_release(merge);
    return status;
}

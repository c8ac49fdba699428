/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The order of writes of a merge: what is written to which device, and what must be durable before it. */

/*
 * Definitions. The words are those of the glossary in ARCHITECTURE.md. The COW holds a list of entries [0, length). A
 * merge takes it from its end to its start, window by window. `committed` is the index up to which the list still has
 * to be merged: every entry from it on is merged, or is bad and stays. A write is durable once a flush of its device
 * that began later has succeeded; until then any part of it may be lost, in units that the device writes whole.
 *
 * Invariants. They hold at every moment, whatever is lost of what is not durable yet:
 *
 *  1. The list on the COW is the one that was checked, up to some index; behind that there are only entries of the same
 *     list, each once more or moved forward as it was (bad entries), and then zeros to the end of that area.
 *  2. An entry that the list does not name any more is durable on the origin, or was given up (options->drop_bad).
 *     One that stands in the list several times is copied where it stands first, and so last of all: the copies behind
 *     it may be cut off before, since the list goes on naming it.
 *  3. A byte of the origin changes only if an entry of the list names its chunk, and only to the data of that entry.
 *     So the snapshot's view, which is the origin overlaid by the list, stays the same.
 *  4. Before a byte of the origin changes, each sibling that is not invalid has an entry for its chunk, with the old
 *     content, both durable. So the siblings' views stay the same.
 *  5. On the COW only areas and the fingerprint are written, and with options->keep_cow nothing at all. Nothing is
 *     written behind the end of the origin.
 *  6. After a flush or a cut has failed nothing is written any more: it is not known what is durable. It is not tried
 *     again, since what a failed flush has lost may look clean from then on.
 *  7. A sample of the fingerprint that counts, because it is not masked and the list does not touch it, is what it was
 *     when the fingerprint was made. The store has the fingerprint as long as it has entries.
 *
 * From 1, 2 and 3 it follows that the kernel, or another run, can go on from any such state. The reason for each order
 * is in dmsnap-store(5), ORDERS OF WRITING.
 *
 * Transitions. Each step of "The order of writes" in ARCHITECTURE.md is one function:
 *
 *     before the first window  snap_fingerprint_mask_listed, flush_lists, zero_leftovers
 *     1 read                   snap_window_load
 *     2 copy to the siblings   copy_out
 *     3 write to the origin    snap_copy_write
 *     4 flush it, and verify   flush_origin
 *     5 move bad entries       snap_bad_entries_move
 *     6 cut the list           snap_list_end_cut
 *
 * write_load takes one load through 2 and 3, commit takes a window through 4 to 6, merge_windows calls both in a loop.
 */
#include "lib/merge/merge_private.h"

#include "lib/merge/compare_load.h"
#include "lib/merge/figures_private.h"
#include "lib/merge/fingerprint_mask_private.h"

/*
 * What the lists look like now must be what they look like after a power failure. An earlier run may have been killed
 * between a cut and its flush: the next cut could become durable before that one, and leave entries behind the end. And
 * an entry of a sibling, because of which a chunk is not copied out, could be gone when the origin has changed.
 */
static enum snap_status flush_lists(struct snap_merge *merge, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < options->sibling_count && status == SNAP_OK; i++)
        status = snap_sibling_flush_list(options->siblings[i], err);
    if (status != SNAP_OK || options->keep_cow)
        return status;
    return snap_list_end_flush_list(&merge->list_end, err);
}

/* What was written to the origin is durable afterwards. */
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

/*
 * An area behind the list may be a leftover because the list uses a data chunk that it names. When that entry of the
 * list is cut off, the area would look like entries that a fault has cut off: so it is zero before. Others are
 * leftovers because the origin holds their data, and that may be in its cache alone.
 */
static enum snap_status zero_leftovers(struct snap_merge *merge, struct snap_error *err)
{
    enum snap_status status;

    if (merge->options->keep_cow || !snap_list_end_has_leftovers(&merge->list_end))
        return SNAP_OK;
    status = flush_origin(merge, err);
    return status == SNAP_OK ? snap_list_end_finish(&merge->list_end, err) : status;
}

/* A failed read or write of data. Only that can be left out: neither a flush nor what the list is in. */
static void note_bad_sectors(struct snap_merge *merge, enum snap_status status, const struct snap_error *err)
{
    merge->result->stopped_by_bad_sectors |= status == SNAP_E_IO && !merge->options->continue_on_error && err &&
                                             snap_error_is_medium(err->sys_errno);
}

/*
 * The siblings get what the load is about to replace: the content first, to all of them; then the entries, to all of
 * them, durably. It is read only now, after the writes of the load before: what was read earlier could be from before
 * those writes, and a sibling with larger chunks would get it a second time.
 */
static enum snap_status copy_out(struct snap_merge *merge, struct snap_plan *plan, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    struct snap_copy_control reads = merge->compare_control;
    enum snap_status status = SNAP_OK;

    reads.keep_going = options->continue_on_error;
    for (size_t i = 0; i < options->sibling_count && status == SNAP_OK; i++) {
        status = snap_sibling_copy(options->siblings[i], merge->origin, plan, &reads, &merge->copy_out_control, err);
        if (status != SNAP_OK && snap_sibling_origin_unread(options->siblings[i]))
            note_bad_sectors(merge, status, err);
    }
    for (size_t i = 0; i < options->sibling_count && status == SNAP_OK; i++)
        status = snap_sibling_commit(options->siblings[i], err);
    for (size_t i = 0; i < options->sibling_count; i++)
        merge->uncertain |= !snap_sibling_usable(options->siblings[i]);
    return status;
}

static enum snap_status drop_equal(struct snap_merge *merge, struct snap_window *window, bool *compared,
                                   struct snap_error *err)
{
    enum snap_status status = snap_compare_load_drop_equal(window, merge->origin, merge->found,
                                                           &merge->compare_control, compared, err);

    if (status == SNAP_OK && *compared)
        snap_figures_add_equal(merge, window->plan.equal_bytes);
    return status;
}

/* Each load is read back while its data are in the buffer, so the origin's flush comes after each load then. */
static enum snap_status verify(struct snap_merge *merge, struct snap_window *window, struct snap_error *err)
{
    enum snap_status status;

    if (window->plan.bad_count > 0)
        snap_plan_drop_bad(&window->plan);
    status = flush_origin(merge, err); /* step 4, early */
    if (status != SNAP_OK)
        return status;
    return snap_compare_load_verify(window, merge->origin, merge->found, &merge->compare_control,
                                    &merge->result->verified_bytes, err);
}

/* Steps 2 and 3: one load, which was read, goes to the origin. */
static enum snap_status write_load(struct snap_merge *merge, struct snap_window *window,
                                   const struct snap_window_range *load, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    struct snap_plan *plan = &window->plan;
    const size_t bad_before = plan->bad_count;
    bool compared = false;
    enum snap_status status = snap_bad_entries_take(&merge->bad, plan, SNAP_PLAN_UNREADABLE, err);

    merge->origin_flushed = false; /* also where nothing is written: see commit */
    merge->result->read_bytes += plan->read_bytes;
    merge->result->read_requests += plan->read_count;
    if (status == SNAP_OK && (options->skip_identical || (options->keep_cow && load->end > options->compare_from)))
        status = drop_equal(merge, window, &compared, err);
    if (status == SNAP_OK)
        status = copy_out(merge, plan, err); /* step 2 */
    if (status == SNAP_OK && plan->bad_count > bad_before) { /* what could not be copied out stays on the origin */
        if (compared)
            snap_plan_drop_equal(plan, window->buffer, merge->found);
        else
            snap_plan_drop_bad(plan);
        status = snap_bad_entries_take(&merge->bad, plan, SNAP_PLAN_UNKEPT, err);
    }
    if (status == SNAP_OK) { /* step 3 */
        status = snap_copy_write(plan, merge->origin, window->buffer, &window->group, &merge->write_control, err);
        note_bad_sectors(merge, status, err);
    }
    merge->result->write_requests += plan->write_count;
    if (status == SNAP_OK)
        status = snap_bad_entries_take(&merge->bad, plan, SNAP_PLAN_UNWRITABLE, err);
    if (status == SNAP_OK && options->verify)
        status = verify(merge, window, err);
    return status;
}

/*
 * Steps 4 to 6: makes the merge of everything from load->first on durable. The origin is flushed also where nothing was
 * written to it: an earlier run may have written the same data and have been killed before its flush.
 */
static enum snap_status commit(struct snap_merge *merge, const struct snap_window_range *load, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    struct snap_list_end *end = &merge->list_end;
    uint64_t length = load->first;
    enum snap_status status = flush_origin(merge, err); /* step 4 */

    if (status != SNAP_OK)
        return status;
    if (!options->keep_cow) {
        status = snap_bad_entries_move(&merge->bad, merge->store, load->first, end->length, &end->counts, &length,
                                       err); /* step 5 */
        if (status == SNAP_OK)
            status = snap_list_end_cut(end, length, err); /* step 6 */
        if (status != SNAP_OK)
            return status;
    }
    snap_figures_add_window(merge, load);
    snap_pace_note_cut(&merge->pace);
    merge->committed = load->first;
    if (options->keep_cow)
        return options->checkpoint ? options->checkpoint(options->checkpoint_context, load->first, err) : SNAP_OK;
    return snap_list_end_zero_leftovers(end, err);
}

/*
 * All loads, one after the other. While one is written, a thread reads the next one's data (step 1), which no write of
 * the merge changes; that read has ended before the COW is written to. A failure or a stop leaves the open window
 * uncommitted. *finished is the last load of the last window that was written whole.
 */
static enum snap_status merge_windows(struct snap_merge *merge, struct snap_window_range *finished,
                                      struct snap_error *err)
{
    struct snap_window *window = &merge->windows[0], *ahead = &merge->windows[1];
    struct snap_window_range load = snap_pace_next(&merge->pace, finished);
    uint64_t start_ns = merge->clock->now_ns(merge->clock->context);
    enum snap_status status = SNAP_OK;

    if (load.end > 0)
        snap_window_load(window, &load, NULL); /* step 1, of the first load */
    while (load.end > 0 && status == SNAP_OK) {
        struct snap_window_range next;
        struct snap_window *swap = window;

        status = snap_window_wait(window, err);
        if (window->entries_known)
            note_bad_sectors(merge, status, err);
        if (status != SNAP_OK)
            break;
        next = snap_pace_next(&merge->pace, &load);
        if (next.end > 0 && merge->pace.read_ahead)
            snap_window_load(ahead, &next, &merge->reader); /* step 1, in the thread */

        status = write_load(merge, window, &load, err); /* steps 2 and 3 */

        (void)snap_window_wait(ahead, NULL); /* the COW may be written to from here on; the status is asked for above */
        if (status == SNAP_OK && load.last_load)
            snap_bad_entries_confirm(&merge->bad);
        if (status == SNAP_OK && snap_pace_cut_due(&merge->pace, &load, merge->committed, merge->bad.count > 0)) {
            status = commit(merge, &load, err); /* steps 4 to 6 */
            merge->uncertain |= status != SNAP_OK;
        }
        if (status == SNAP_OK && load.last_load) {
            *finished = load;
            snap_pace_adapt(&merge->pace, &load, merge->clock->now_ns(merge->clock->context) - start_ns);
            start_ns = merge->clock->now_ns(merge->clock->context);
        }
        if (status == SNAP_OK && next.end > 0 && !merge->pace.read_ahead)
            snap_window_load(ahead, &next, NULL); /* step 1 */
        load = next;
        window = ahead;
        ahead = swap;
    }
    return status;
}

/*
 * All is merged but for the bad entries: drops them if that is wanted; an empty store loses its fingerprint, since its
 * origin may change from now on; the leftover areas become zero.
 */
static enum snap_status finish(struct snap_merge *merge, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    enum snap_status status = SNAP_OK;

    if (options->drop_bad && merge->bad.confirmed > 0)
        status = snap_list_end_drop(&merge->list_end, options->before_drop, options->before_drop_context, err);
    if (status == SNAP_OK && merge->list_end.length == 0 && !options->keep_fingerprint &&
        snap_fingerprint_mask_ends(merge->store, merge->job->entries))
        status = snap_fingerprint_mask_drop(&merge->list_end, err);
    return status == SNAP_OK ? snap_list_end_finish(&merge->list_end, err) : status;
}

enum snap_status snap_merge_run(struct snap_merge *merge, struct snap_merge_result *result, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    struct snap_window_range finished = {.first = merge->job->entries, .end = merge->job->entries};
    struct snap_error ignored; /* the first failure is the one that is told */
    enum snap_status status = SNAP_OK;

    snap_figures_begin(merge, result);
    merge->write_control.done = snap_figures_add_written;
    merge->write_control.done_context = merge;
    snap_pace_note_cut(&merge->pace);
    if (!options->keep_cow)
        status = snap_fingerprint_mask_listed(&merge->list_end, err);
    if (status == SNAP_OK)
        status = flush_lists(merge, err); /* the mask is durable as well then */
    if (status == SNAP_OK)
        status = zero_leftovers(merge, err);
    if (status == SNAP_OK) {
        status = merge_windows(merge, &finished, err);
        if (status != SNAP_OK && !merge->uncertain && finished.first < merge->committed)
            (void)commit(merge, &finished, &ignored); /* windows that are written whole, and waited for a cut */
    }
    for (size_t i = 0; options->bad && i < merge->bad.confirmed; i++)
        options->bad(options->bad_context, &merge->bad.entries[i]);
    if (status == SNAP_OK && !options->keep_cow)
        status = finish(merge, err);
    snap_figures_end(merge);
    return status;
}

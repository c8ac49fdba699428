/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What becomes of the rest: areas that the list no longer reaches, and bad entries that are given up. */
#include "lib/merge/merge_private.h"

#include "lib/base/arith.h"
#include "lib/store/list_cut.h"

static uint64_t first_hidden(const struct snap_merge *merge)
{
    return merge->list_length / merge->store->layout.entries_per_area + 1;
}

/* They are zero then, but not durably. */
static enum snap_status zero_hidden_areas(struct snap_merge *merge, struct snap_error *err)
{
    const uint64_t first_area = first_hidden(merge);
    enum snap_status status;

    if (first_area >= merge->stale_areas_end)
        return SNAP_OK;
    merge->unflushed = true;
    status = snap_list_cut_zero_areas(merge->store, first_area, merge->stale_areas_end - first_area, err);
    if (status != SNAP_OK)
        return status;
    merge->result->metadata_bytes += (merge->stale_areas_end - first_area) * merge->store->layout.chunk_bytes;
    merge->stale_areas_end = first_area;
    return SNAP_OK;
}

enum snap_status snap_merge_zero_leftovers(struct snap_merge *merge, struct snap_error *err)
{
    struct snap_error reason;
    enum snap_status status = zero_hidden_areas(merge, &reason);

    if (status == SNAP_E_IO) { /* hygiene only: a bad sector there holds nobody up */
        merge->unzeroed_areas_end = snap_max(merge->unzeroed_areas_end, merge->stale_areas_end);
        merge->stale_areas_end = first_hidden(merge);
        return SNAP_OK;
    }
    if (status != SNAP_OK && err)
        *err = reason;
    return status;
}

/* The areas behind the list are zero, durably. */
static enum snap_status flush_areas(struct snap_merge *merge, struct snap_error *err)
{
    if (!merge->unflushed)
        return SNAP_OK;
    merge->unflushed = false;
    merge->result->cow_flushes++;
    return snap_io_flush(merge->store->io, err);
}

/*
 * Takes the bad entries, which are all that is left, off the list: from its end, area by area, and with nothing behind
 * it. Else some of them, or older copies of them, would look like entries that a fault has cut off: they are not on the
 * origin. So an area that cannot be zeroed ends it here.
 */
static enum snap_status drop_bad(struct snap_merge *merge, struct snap_error *err)
{
    const struct snap_merge_options *options = merge->options;
    enum snap_status status = SNAP_OK;

    merge->stale_areas_end = snap_max(merge->stale_areas_end, merge->unzeroed_areas_end);
    status = zero_hidden_areas(merge, err);
    if (status == SNAP_OK)
        status = flush_areas(merge, err);
    if (status == SNAP_OK && options->before_drop)
        status = options->before_drop(options->before_drop_context, err);
    while (merge->list_length > 0 && status == SNAP_OK)
        status = snap_merge_shorten(merge, snap_round_down(merge->list_length - 1, merge->store->layout.entries_per_area), err);
    if (merge->list_length < merge->bad.confirmed) {
        merge->result->dropped_entries = merge->bad.confirmed - merge->list_length;
        merge->result->entries_left = merge->list_length;
    }
    return status;
}

enum snap_status snap_merge_end_list(struct snap_merge *merge, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    if (merge->options->drop_bad && merge->bad.confirmed > 0)
        status = drop_bad(merge, err);
    if (status == SNAP_OK)
        status = snap_merge_zero_leftovers(merge, err); /* also where no window was open: left by an earlier run */
    return status == SNAP_OK ? flush_areas(merge, err) : status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list on the COW becomes shorter, and the areas behind it are zeroed. */
#include "lib/merge/list_end_private.h"

#include "lib/base/arith.h"

void snap_list_end_init(struct snap_list_end *end, const struct snap_store *store, uint64_t entries,
                        uint64_t leftover_areas_end)
{
    *end = (struct snap_list_end){
        .store = store,
        .length = entries,
        .leftover_areas_end = snap_max(snap_div_up(entries, store->layout.entries_per_area), leftover_areas_end),
    };
}

enum snap_status snap_list_end_flush_list(struct snap_list_end *end, struct snap_error *err)
{
    end->counts.flushes++;
    return snap_io_flush(end->store->io, err);
}

enum snap_status snap_list_end_cut(struct snap_list_end *end, uint64_t length, struct snap_error *err)
{
    enum snap_status status;

    if (length >= end->length)
        return SNAP_OK;
    status = snap_list_cut(end->store, end->length, length, &end->counts, err);
    if (status != SNAP_OK)
        return status;
    end->zeros_unflushed = false;
    end->length = length;
    return SNAP_OK;
}

static uint64_t first_area_behind(const struct snap_list_end *end)
{
    return snap_layout_area_behind(&end->store->layout, end->length);
}

bool snap_list_end_has_leftovers(const struct snap_list_end *end)
{
    return first_area_behind(end) < end->leftover_areas_end;
}

/* SNAP_E_IO: some areas could not be written. */
static enum snap_status zero_leftovers(struct snap_list_end *end, struct snap_error *err)
{
    const uint64_t first_area = first_area_behind(end);
    enum snap_status status;

    if (!snap_list_end_has_leftovers(end))
        return SNAP_OK;
    end->zeros_unflushed = true;
    status = snap_list_cut_zero_areas(end->store, first_area, end->leftover_areas_end - first_area, err);
    if (status != SNAP_OK)
        return status;
    end->counts.written_bytes += (end->leftover_areas_end - first_area) * end->store->layout.chunk_bytes;
    end->leftover_areas_end = first_area;
    return SNAP_OK;
}

enum snap_status snap_list_end_zero_leftovers(struct snap_list_end *end, struct snap_error *err)
{
    struct snap_error reason;
    enum snap_status status = zero_leftovers(end, &reason);

    if (status == SNAP_E_IO) { /* no view depends on these areas: a bad sector there is no reason to end a merge */
        end->unzeroed_areas_end = snap_max(end->unzeroed_areas_end, end->leftover_areas_end);
        end->leftover_areas_end = first_area_behind(end);
        return SNAP_OK;
    }
    if (status != SNAP_OK && err)
        *err = reason;
    return status;
}

static enum snap_status flush_zeros(struct snap_list_end *end, struct snap_error *err)
{
    if (!end->zeros_unflushed)
        return SNAP_OK;
    end->zeros_unflushed = false;
    end->counts.flushes++;
    return snap_io_flush(end->store->io, err);
}

enum snap_status snap_list_end_drop(struct snap_list_end *end,
                                    enum snap_status (*before)(void *context, struct snap_error *err), void *context,
                                    struct snap_error *err)
{
    const uint64_t per_area = end->store->layout.entries_per_area;
    enum snap_status status;

    end->leftover_areas_end = snap_max(end->leftover_areas_end, end->unzeroed_areas_end);
    status = zero_leftovers(end, err);
    if (status == SNAP_OK)
        status = flush_zeros(end, err);
    if (status == SNAP_OK && before)
        status = before(context, err);
    while (end->length > 0 && status == SNAP_OK)
        status = snap_list_end_cut(end, snap_round_down(end->length - 1, per_area), err);
    return status;
}

enum snap_status snap_list_end_finish(struct snap_list_end *end, struct snap_error *err)
{
    enum snap_status status = snap_list_end_zero_leftovers(end, err);

    return status == SNAP_OK ? flush_zeros(end, err) : status;
}

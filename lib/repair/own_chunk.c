/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the data chunks of entries whose number for it is damaged. */
#include "lib/repair/repair_private.h"

#include "lib/base/array.h"
#include "lib/store/list_walk.h"

#include <stdlib.h>

#define TOP_BYTE_SHIFT 56

/* The canonical chunk of a damaged entry. */
struct own {
    uint64_t chunk;
    struct snap_repair_damaged *damaged;
};

static int by_chunk(const void *left, const void *right)
{
    const struct own *a = left, *b = right;

    return (a->chunk > b->chunk) - (a->chunk < b->chunk);
}

/*
 * Where a kernel since 3.13 has put the data of the entry, if its number may be a damaged form of that; else 0. Nothing
 * but the entry itself and its slot tell.
 */
static uint64_t candidate(const struct snap_repair_work *work, const struct snap_repair_damaged *damaged)
{
    const struct snap_layout *layout = &work->store->layout;
    const uint64_t chunk = snap_layout_canonical_chunk(layout, damaged->index);
    const uint64_t without_top = damaged->new_chunk & ((UINT64_C(1) << TOP_BYTE_SHIFT) - 1);

    if (!snap_layout_is_data_chunk(layout, chunk))
        return 0;
    if (damaged->rule == SNAP_RULE_ENTRY_NEW_TOP_BYTE)
        return without_top == chunk ? chunk : 0;
    return damaged->rule == SNAP_RULE_ENTRY_NEW_RANGE ? chunk : 0;
}

/* A data chunk of the device, or what may have been one when the device was larger. */
static bool may_be_data_chunk(const struct snap_repair_work *work, uint64_t chunk)
{
    const struct snap_layout *layout = &work->store->layout;

    return chunk < layout->cow_chunks ? snap_layout_is_data_chunk(layout, chunk)
                                      : !snap_layout_is_area_chunk(layout, chunk) &&
                                            snap_check_may_be_cut(layout, work->check.entries, chunk);
}

/* No entry may lose its chunk to another: those that some entry names are taken off. *moved: entries out of place. */
static enum snap_status take_off_used(const struct snap_repair_work *work, struct own *own, size_t count,
                                      uint64_t *moved, struct snap_error *err)
{
    const struct snap_layout *layout = &work->store->layout;
    struct snap_list_walk *walk = NULL;
    struct snap_span span = {.slots = 1};
    enum snap_status status = snap_list_walk_open(&walk, work->store, err);

    *moved = 0;
    while (status == SNAP_OK && span.slots > 0) {
        status = snap_list_walk_next(walk, &span, err);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++) {
            const struct own key = {.chunk = snap_span_new(&span, i)};
            struct own *used = bsearch(&key, own, count, sizeof *own, by_chunk);

            if (used)
                used->damaged->own_chunk = 0;
            *moved += may_be_data_chunk(work, key.chunk) &&
                      key.chunk != snap_layout_canonical_chunk(layout, span.first_index + i);
        }
    }
    snap_list_walk_close(walk);
    return status;
}

enum snap_status snap_repair_find_own_chunks(struct snap_repair_work *work, struct snap_error *err)
{
    struct own *own;
    size_t count = 0;
    uint64_t moved;
    enum snap_status status;

    if (work->damaged_count == 0 || !work->check.list_complete)
        return SNAP_OK;
    own = snap_array_new(work->damaged_count, sizeof *own);
    if (!own)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is damaged in it", work->store->io->name);
    for (size_t i = 0; i < work->damaged_count; i++) {
        work->damaged[i].own_chunk = candidate(work, &work->damaged[i]);
        if (work->damaged[i].own_chunk != 0)
            own[count++] = (struct own){work->damaged[i].own_chunk, &work->damaged[i]};
    }
    qsort(own, count, sizeof *own, by_chunk);
    status = take_off_used(work, own, count, &moved, err);
    for (size_t i = 0; i < work->damaged_count; i++)
        if (moved > 0 && work->damaged[i].rule == SNAP_RULE_ENTRY_NEW_RANGE)
            work->damaged[i].own_chunk = 0;
    free(own);
    return status;
}

bool snap_repair_own_chunk_waits(const struct snap_repair_work *work, const struct snap_repair_damaged *damaged)
{
    return damaged->own_chunk == 0 && candidate(work, damaged) != 0;
}

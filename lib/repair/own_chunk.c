/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the data chunks of entries whose number for it is damaged. */
#include "lib/repair/repair_private.h"

#include "lib/base/array.h"
#include "lib/check/places.h"
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

static bool is_one_bit(uint64_t number)
{
    return number != 0 && (number & (number - 1)) == 0;
}

/*
 * One bit that flips in the empty slot behind the list makes an entry of it, for chunk 0 of the origin. A damaged entry
 * for that chunk, which happens to be the last one, looks like that only where its own number was one bit apart.
 */
static bool is_flipped_end(const struct snap_repair_work *work, const struct snap_repair_damaged *damaged)
{
    return damaged->old_chunk == 0 && damaged->index + 1 == work->check.entries && is_one_bit(damaged->new_chunk) &&
           !is_one_bit(damaged->new_chunk ^ snap_layout_canonical_chunk(&work->store->layout, damaged->index));
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

    if (!snap_layout_is_data_chunk(layout, chunk) || is_flipped_end(work, damaged))
        return 0;
    if (damaged->rule == SNAP_RULE_ENTRY_NEW_TOP_BYTE)
        return without_top == chunk ? chunk : 0;
    return damaged->rule == SNAP_RULE_ENTRY_NEW_RANGE || snap_repair_only_put_right(damaged->rule) ? chunk : 0;
}

bool snap_repair_only_put_right(enum snap_rule rule)
{
    return rule == SNAP_RULE_ENTRY_NEW_OUTLIER || rule == SNAP_RULE_DUPLICATE_NEW;
}

/* A data chunk of the device, or what may have been one when the device was larger. */
static bool may_be_data_chunk(const struct snap_repair_work *work, uint64_t chunk)
{
    const struct snap_layout *layout = &work->store->layout;

    return chunk < layout->cow_chunks ? snap_layout_is_data_chunk(layout, chunk)
                                      : !snap_layout_is_area_chunk(layout, chunk) &&
                                            snap_check_may_be_cut(layout, work->check.entries, chunk);
}

/* What one walk over the list says of the damaged entries. */
struct judging {
    const struct snap_repair_work *work;
    struct own *own;     /* by their chunk */
    size_t own_count;
    size_t next;         /* the first damaged entry that the walk has not reached */
    size_t waiting;      /* from here to `next`, no sound neighbour behind was met */
    bool last_moved;     /* the sound entry in front of those is out of its place */
    uint64_t moved;      /* entries out of their places, without the damaged ones */
    bool moved_and_cut;  /* a damaged one is out of its place as well, if the device was larger */
};

/* A damaged entry, and not only a copy of another one. */
static bool is_damaged(struct judging *judging, uint64_t index)
{
    const struct snap_repair_work *work = judging->work;
    bool damaged = false;

    for (; judging->next < work->damaged_count && work->damaged[judging->next].index <= index; judging->next++) {
        struct snap_repair_damaged *at = &work->damaged[judging->next];

        damaged |= at->index == index && at->rule != SNAP_RULE_ENTRY_REPEATED &&
                   at->rule != SNAP_RULE_ENTRY_REPEATED_OFTEN;
        at->beside_moved = judging->last_moved;
    }
    return damaged;
}

/* No entry may lose its chunk to another: what some entry names is taken off. */
static void judge_entry(struct judging *judging, uint64_t index, uint64_t new_chunk)
{
    const struct snap_repair_work *work = judging->work;
    const struct own key = {.chunk = new_chunk};
    const struct own *used = bsearch(&key, judging->own, judging->own_count, sizeof key, by_chunk);
    bool out_of_place;

    if (used)
        used->damaged->own_used = true;
    if (!may_be_data_chunk(work, new_chunk)) {
        (void)is_damaged(judging, index);
        return;
    }
    out_of_place = new_chunk != snap_layout_canonical_chunk(&work->store->layout, index);
    if (is_damaged(judging, index)) {
        judging->moved_and_cut |= out_of_place && new_chunk >= work->store->layout.cow_chunks;
        return;
    }
    judging->last_moved = out_of_place;
    judging->moved += judging->last_moved;
    for (; judging->waiting < judging->next; judging->waiting++)
        work->damaged[judging->waiting].beside_moved |= judging->last_moved;
}

static enum snap_status walk(struct judging *judging, struct snap_error *err)
{
    struct snap_list_walk *list = NULL;
    struct snap_span span = {.slots = 1};
    enum snap_status status = snap_list_walk_open(&list, judging->work->store, err);

    while (status == SNAP_OK && span.slots > 0) {
        status = snap_list_walk_next(list, &span, err);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++)
            judge_entry(judging, span.first_index + i, snap_span_new(&span, i));
    }
    snap_list_walk_close(list);
    return status;
}

/*
 * The entry whose canonical chunk this one has as well may be damaged itself. Then it is dropped, and the other one may
 * be an entry that a drop has moved.
 */
static bool rival_is_sound(const struct snap_repair_work *work, const struct snap_repair_damaged *damaged)
{
    const uint64_t home = snap_layout_data_chunks_before(&work->store->layout, damaged->new_chunk);

    for (size_t i = 0; i < work->damaged_count; i++)
        if (work->damaged[i].index == home)
            return false;
    return true;
}

/*
 * Entries that were moved are few, and so are those that others have not followed since: where the neighbours are in
 * their places, this one was. An entry whose chunk is one for data may have been moved into its slot: that it was not
 * must be proved by its neighbours.
 */
static bool is_sure(const struct judging *judging, const struct snap_repair_damaged *damaged)
{
    const bool few = judging->moved <= SNAP_PLACES_MAX &&
                     judging->moved * SNAP_PLACES_SHARE <= judging->work->check.entries;

    if (damaged->rule == SNAP_RULE_ENTRY_NEW_TOP_BYTE)
        return true;
    if (damaged->rule == SNAP_RULE_DUPLICATE_NEW &&
        (judging->work->has_dropped || !rival_is_sound(judging->work, damaged)))
        return false;
    return (!snap_repair_only_put_right(damaged->rule) || damaged->fits) &&
           !judging->moved_and_cut && (judging->moved == 0 || (few && !damaged->beside_moved));
}

enum snap_status snap_repair_find_own_chunks(struct snap_repair_work *work, struct snap_error *err)
{
    struct judging judging = {.work = work};
    enum snap_status status;

    if (work->damaged_count == 0 || !work->check.list_complete)
        return SNAP_OK;
    judging.own = snap_array_new(work->damaged_count, sizeof *judging.own);
    if (!judging.own)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is damaged in it", work->store->io->name);
    for (size_t i = 0; i < work->damaged_count; i++) {
        work->damaged[i].own_chunk = candidate(work, &work->damaged[i]);
        if (work->damaged[i].own_chunk != 0)
            judging.own[judging.own_count++] = (struct own){work->damaged[i].own_chunk, &work->damaged[i]};
    }
    qsort(judging.own, judging.own_count, sizeof *judging.own, by_chunk);
    status = walk(&judging, err);
    for (size_t i = 0; i < work->damaged_count; i++)
        if (work->damaged[i].own_used || !is_sure(&judging, &work->damaged[i]))
            work->damaged[i].own_chunk = 0;
    free(judging.own);
    return status;
}

bool snap_repair_own_chunk_waits(const struct snap_repair_work *work, const struct snap_repair_damaged *damaged)
{
    return damaged->own_chunk == 0 && candidate(work, damaged) != 0;
}

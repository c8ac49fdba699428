/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the entries that are for the same chunk of the origin, and takes those off the list that are not to stay. */
#include "lib/repair/repair_private.h"

#include "lib/base/array.h"
#include "lib/store/list_walk.h"

#include <stdlib.h>

#define RUN_SHIFT 8 /* kernels join neighbours of 256 chunks only (dmsnap-store(5), DUPLICATES) */

/* An entry whose chunk of the origin has several. */
struct rival {
    uint64_t old_chunk, new_chunk;
    uint64_t index;
    bool in_row;   /* it follows a neighbour that stands in front of it: the kernel may have joined the two */
};

struct choosing {
    struct snap_repair_work *work;
    struct rival *rivals;  /* by chunk, then by index, once they are sorted */
    size_t count;
};

static int by_number(const void *left, const void *right)
{
    const uint64_t *a = left, *b = right;

    return (*a > *b) - (*a < *b);
}

static int by_place(const void *left, const void *right)
{
    const struct rival *a = left, *b = right;

    return a->old_chunk != b->old_chunk ? (a->old_chunk < b->old_chunk ? -1 : 1)
                                        : (a->index > b->index) - (a->index < b->index);
}

/* An entry whose data chunk is damaged is no choice: it is mended, or dropped, for that reason. */
static enum snap_status note_rival(struct choosing *choosing, const struct rival *rival, struct snap_error *err)
{
    const struct snap_repair_work *work = choosing->work;

    if (!bsearch(&rival->old_chunk, work->duplicate_olds, work->duplicate_count, sizeof *work->duplicate_olds,
                 by_number) ||
        !snap_layout_is_data_chunk(&work->store->layout, rival->new_chunk))
        return SNAP_OK;
    if (choosing->count == SNAP_REPAIR_ENTRIES_MAX)
        return snap_fail(err, SNAP_E_REFUSED, "%s: more than %u of its entries are for a chunk of the origin that has "
                         "another: no entry of this list is to be trusted", work->store->io->name,
                         SNAP_REPAIR_ENTRIES_MAX);
    choosing->rivals[choosing->count++] = *rival;
    return SNAP_OK;
}

/*
 * Those rivals behind `entry` in the list whose two chunks are both one higher than its own. One whose chunks are both
 * one lower is joined as well, but the kernel looks at runs by their first chunk, and finds the other entry before it.
 */
static void note_row(struct choosing *choosing, const struct rival *entry)
{
    const uint64_t old_chunk = entry->old_chunk + 1, new_chunk = entry->new_chunk + 1;
    size_t low = 0, high = choosing->count;

    if (old_chunk >> RUN_SHIFT != entry->old_chunk >> RUN_SHIFT)
        return;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (choosing->rivals[middle].old_chunk < old_chunk)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < choosing->count && choosing->rivals[low].old_chunk == old_chunk; low++)
        if (choosing->rivals[low].new_chunk == new_chunk && choosing->rivals[low].index > entry->index)
            choosing->rivals[low].in_row = true;
}

/* The first walk gathers the rivals, the second one looks for their neighbours. */
static enum snap_status walk(struct choosing *choosing, bool gathers, struct snap_error *err)
{
    struct snap_list_walk *list = NULL;
    struct snap_span span = {.slots = 1};
    enum snap_status status = snap_list_walk_open(&list, choosing->work->store, err);

    if (status == SNAP_OK)
        snap_list_walk_stop_on(list, choosing->work->options->stop, choosing->work->options->stop_context);
    while (status == SNAP_OK && span.slots > 0) {
        status = snap_list_walk_next(list, &span, err);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++) {
            const struct rival entry = {
                .old_chunk = snap_span_old(&span, i),
                .new_chunk = snap_span_new(&span, i),
                .index = span.first_index + i,
            };

            if (gathers)
                status = note_rival(choosing, &entry, err);
            else
                note_row(choosing, &entry);
        }
    }
    snap_list_walk_close(list);
    return status;
}

/* A copy of the entry that stays would be dropped as a repeated one. */
static void forget_repeated(struct snap_repair_work *work, uint64_t index)
{
    size_t kept = 0;

    for (size_t i = 0; i < work->damaged_count; i++)
        if (work->damaged[i].index != index)
            work->damaged[kept++] = work->damaged[i];
    work->damaged_count = kept;
}

/* All but one of the rivals `first` to `end`, which are for one chunk, are to be dropped. */
static enum snap_status drop_others(struct choosing *choosing, const struct rival *first, const struct rival *end,
                                    struct snap_error *err)
{
    struct snap_repair_work *work = choosing->work;
    const struct rival *kept = work->options->keep == SNAP_REPAIR_KEEP_FIRST ? first : end - 1;

    forget_repeated(work, kept->index);
    for (const struct rival *rival = first; rival < end; rival++) {
        if (rival == kept)
            continue;
        if (work->damaged_count == SNAP_REPAIR_ENTRIES_MAX)
            return snap_fail(err, SNAP_E_REFUSED, "%s: more than %u of its entries are damaged: no entry of this list "
                             "is to be trusted", work->store->io->name, SNAP_REPAIR_ENTRIES_MAX);
        work->damaged[work->damaged_count++] = (struct snap_repair_damaged){
            .index = rival->index,
            .old_chunk = rival->old_chunk,
            .new_chunk = rival->new_chunk,
            .rule = SNAP_RULE_DUPLICATE_OLD,
            .kept_chunk = kept->new_chunk,
        };
    }
    work->repair->changes[work->repair->change_count++] = (struct snap_repair_change){
        .old_chunk = kept->old_chunk,
        .rule = SNAP_RULE_DUPLICATE_OLD,
        .from_entry = true,
        .index = kept->index,
        .round = work->round,
    };
    return SNAP_OK;
}

/* Each chunk of the origin with two data chunks is a choice. */
static enum snap_status choose_all(struct choosing *choosing, bool drops, struct snap_error *err)
{
    struct snap_repair *repair = choosing->work->repair;
    const bool told = repair->choice_count > 0; /* by an earlier round: nothing has changed which they are */
    const struct rival *end = choosing->rivals;
    const struct rival *const last = choosing->rivals + choosing->count;
    enum snap_status status = SNAP_OK;

    while (status == SNAP_OK && end < last) {
        const struct rival *first = end;
        bool differ = false, in_row = false;

        for (; end < last && end->old_chunk == first->old_chunk; end++) {
            differ |= end->new_chunk != first->new_chunk;
            in_row |= end->in_row && end->new_chunk != first->new_chunk;
        }
        if (!differ)
            continue;
        if (!told)
            repair->choices[repair->choice_count++] = (struct snap_repair_choice){
                .old_chunk = first->old_chunk,
                .first_index = first->index,
                .first_new_chunk = first->new_chunk,
                .last_index = end[-1].index,
                .last_new_chunk = end[-1].new_chunk,
                .entries = (uint64_t)(end - first),
                .in_row = in_row,
            };
        if (drops)
            status = drop_others(choosing, first, end, err);
    }
    return status;
}

enum snap_status snap_repair_choose(struct snap_repair_work *work, struct snap_error *err)
{
    const bool drops = work->options->keep != SNAP_REPAIR_KEEP_BOTH && work->options->change_view;
    struct choosing choosing = {.work = work};
    enum snap_status status;

    if (work->duplicate_count == 0)
        return SNAP_OK;
    if (!drops)
        work->waiting[SNAP_RULE_DUPLICATE_OLD] = work->found[SNAP_RULE_DUPLICATE_OLD];
    qsort(work->duplicate_olds, work->duplicate_count, sizeof *work->duplicate_olds, by_number);
    choosing.rivals = snap_array_new(SNAP_REPAIR_ENTRIES_MAX, sizeof *choosing.rivals);
    if (!work->repair->choices)
        work->repair->choices = snap_array_new(SNAP_DUPLICATES_NAMED, sizeof *work->repair->choices);
    if (!choosing.rivals || !work->repair->choices) {
        free(choosing.rivals);
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for its duplicates", work->store->io->name);
    }
    status = walk(&choosing, true, err);
    qsort(choosing.rivals, choosing.count, sizeof *choosing.rivals, by_place);
    if (status == SNAP_OK)
        status = walk(&choosing, false, err);
    if (status == SNAP_OK)
        status = choose_all(&choosing, drops, err);
    free(choosing.rivals);
    return status;
}

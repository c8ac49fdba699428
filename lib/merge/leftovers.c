/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells which entries behind the end of a list could be missed. */
#include "lib/merge/leftovers.h"

#include "lib/base/array.h"
#include "lib/base/bytes.h"
#include "lib/merge/compare.h"
#include "lib/store/list_read.h"
#include "lib/store/list_walk.h"

#include <stdlib.h>

/* The slots of one area, from some slot on. */
struct slots {
    uint64_t first_index;       /* as if the list went on up to here */
    uint64_t count;
    struct snap_entry *entries;
    bool *needed;               /* of each slot: it holds an entry whose data could be missed */
    uint64_t *by_new;           /* the slots with entries, by their data chunk, and then by their origin chunk */
    uint64_t by_new_count;
};

static enum snap_status slots_init(struct slots *slots, struct snap_error *err)
{
    slots->entries = snap_array_new(slots->count, sizeof *slots->entries);
    slots->needed = snap_array_new(slots->count, sizeof *slots->needed);
    slots->by_new = snap_array_new(slots->count, sizeof *slots->by_new);
    if (!slots->entries || !slots->needed || !slots->by_new)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for an area");
    return SNAP_OK;
}

static void slots_free(struct slots *slots)
{
    free(slots->entries);
    free(slots->needed);
    free(slots->by_new);
}

static int by_new(const void *left, const void *right, void *context)
{
    const struct snap_entry *entries = context;
    const uint64_t a = entries[*(const uint64_t *)left].new_chunk, b = entries[*(const uint64_t *)right].new_chunk;

    const uint64_t c = entries[*(const uint64_t *)left].old_chunk, d = entries[*(const uint64_t *)right].old_chunk;

    return a != b ? (a < b ? -1 : 1) : (c > d) - (c < d);
}

/* What cannot be an entry has no data that could be missed. Of several that are the same, one is enough. */
static void find_needed(const struct snap_leftovers_search *search, struct slots *slots)
{
    const struct snap_layout *layout = &search->store->layout;
    const uint64_t origin_chunks = snap_layout_origin_chunks(layout, search->origin->size_bytes / SNAP_SECTOR_BYTES);

    for (uint64_t i = 0; i < slots->count; i++) {
        const struct snap_entry *entry = &slots->entries[i];

        slots->needed[i] = snap_layout_is_data_chunk(layout, entry->new_chunk) && entry->old_chunk < origin_chunks;
        if (slots->needed[i])
            slots->by_new[slots->by_new_count++] = i;
    }
    qsort_r(slots->by_new, (size_t)slots->by_new_count, sizeof *slots->by_new, by_new, slots->entries);
    for (uint64_t k = 1; k < slots->by_new_count; k++)
        if (by_new(&slots->by_new[k - 1], &slots->by_new[k], slots->entries) == 0)
            slots->needed[slots->by_new[k]] = false;
}

/*
 * Whether two needed slots have one data chunk, but not the same origin chunk. No list leaves such slots. To compare
 * them all could mean to read that chunk millions of times, so nothing is said about them.
 */
static bool contradict(const struct slots *slots)
{
    const struct snap_entry *last = NULL;

    for (uint64_t k = 0; k < slots->by_new_count; k++) {
        const struct snap_entry *entry = &slots->entries[slots->by_new[k]];

        if (!slots->needed[slots->by_new[k]])
            continue;
        if (last && last->new_chunk == entry->new_chunk)
            return true;
        last = entry;
    }
    return false;
}

/* *merged: the origin holds the data of all needed entries. Data that cannot be read may be anything: not merged. */
static enum snap_status compare_needed(const struct snap_leftovers_search *search, const struct slots *slots,
                                       bool *merged, struct snap_error *err)
{
    struct snap_error reason;
    enum snap_status status = SNAP_OK;
    uint64_t end;

    *merged = !contradict(slots);
    for (uint64_t at = 0; at < slots->count && status == SNAP_OK && *merged; at = end + 1) {
        for (end = at; end < slots->count && slots->needed[end]; end++)
            ;
        if (end > at)
            status = snap_compare_merged(search->store, search->origin, slots->first_index + at, end - at,
                                         search->memory_bytes, search->stop, search->stop_context, merged, &reason);
    }
    if (status == SNAP_OK || status == SNAP_E_IO)
        return SNAP_OK;
    if (err)
        *err = reason;
    return status;
}

/* The list uses this data chunk: no slot with it is needed. */
static void drop_used(struct slots *slots, uint64_t new_chunk)
{
    uint64_t low = 0, high = slots->by_new_count;

    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;

        if (slots->entries[slots->by_new[middle]].new_chunk < new_chunk)
            low = middle + 1;
        else
            high = middle;
    }
    /* They are dropped together: the first one tells that it was done for an earlier entry of the list. */
    if (low < slots->by_new_count && !slots->needed[slots->by_new[low]])
        return;
    for (; low < slots->by_new_count && slots->entries[slots->by_new[low]].new_chunk == new_chunk; low++)
        slots->needed[slots->by_new[low]] = false;
}

/* Walks the list for data chunks that it shares with needed slots. */
static enum snap_status drop_all_used(const struct snap_leftovers_search *search, struct slots *slots,
                                      struct snap_error *err)
{
    struct snap_list_walk *walk;
    struct snap_span span;
    enum snap_status status = snap_list_walk_open(&walk, search->store, err);

    if (status != SNAP_OK)
        return status;
    do {
        status = snap_list_walk_next(walk, &span, err);
        if (status == SNAP_OK && search->stop && search->stop(search->stop_context))
            status = snap_fail(err, SNAP_E_STOPPED, "%s: stopped while reading the list", search->store->io->name);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++)
            drop_used(slots, snap_span_new(&span, i));
    } while (status == SNAP_OK && span.live != 0);
    snap_list_walk_close(walk);
    return status;
}

/* *nothing_missed: each entry in these slots can be done without. */
static enum snap_status judge_slots(const struct snap_leftovers_search *search, struct slots *slots,
                                    bool *nothing_missed, struct snap_error *err)
{
    struct snap_error reason;
    enum snap_status status = slots_init(slots, err);

    *nothing_missed = false;
    if (status != SNAP_OK)
        return status;
    status = snap_list_read_entries(search->store, slots->first_index, slots->count, slots->entries, &reason);
    if (status == SNAP_E_IO)
        return SNAP_OK;
    if (status != SNAP_OK) {
        if (err)
            *err = reason;
        return status;
    }
    find_needed(search, slots);
    status = compare_needed(search, slots, nothing_missed, err);
    if (status != SNAP_OK || *nothing_missed)
        return status;
    status = drop_all_used(search, slots, err); /* reads the whole list, so only where it may change the answer */
    return status == SNAP_OK ? compare_needed(search, slots, nothing_missed, err) : status;
}

enum snap_status snap_leftovers_find(const struct snap_leftovers_search *search, uint64_t *end, struct snap_error *err)
{
    const struct snap_check_result *check = search->check;
    const uint64_t per_area = search->store->layout.entries_per_area;
    const uint64_t first_area = snap_layout_area_behind(&search->store->layout, check->entries);
    const uint64_t merged = check->continuation_entries + check->earlier_entries; /* one of them is 0 */
    const uint64_t area = first_area + merged / per_area;
    const uint64_t slot = merged % per_area; /* the slots in front of it are these */
    struct slots slots = {.first_index = area * per_area + slot, .count = per_area - slot};
    enum snap_status status = SNAP_OK;
    bool nothing_missed = false;

    if (slot > 0 || (merged == 0 && check->moved_area > 0))
        status = judge_slots(search, &slots, &nothing_missed, err);
    slots_free(&slots);
    if (nothing_missed)
        *end = area + 1;
    else
        *end = area > first_area ? area : 0;
    return status;
}

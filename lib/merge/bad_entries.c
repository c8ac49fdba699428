/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that could not be copied: collected, and kept as the new end of the list in an order that never loses one. */
#include "lib/merge/merge_private.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/store/list_cut.h"
#include "lib/store/list_read.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define READ_ENTRIES 4096u /* of the list at once, when it is searched for the bad ones */

static enum snap_status reserve(struct snap_merge_bad_entries *bad, struct snap_error *err)
{
    const size_t room = bad->room ? bad->room * 2 : 64;
    struct snap_merge_bad *entries;

    if (bad->count < bad->room)
        return SNAP_OK;
    entries = calloc(room, sizeof *entries);
    if (!entries)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for a list of %zu bad chunks", bad->count + 1);
    if (bad->count > 0)
        memcpy(entries, bad->entries, bad->count * sizeof *entries);
    free(bad->entries);
    bad->entries = entries;
    bad->room = room;
    return SNAP_OK;
}

static int by_old(const void *a, const void *b)
{
    const struct snap_merge_bad *left = a, *right = b;

    return (left->entry.old_chunk > right->entry.old_chunk) - (left->entry.old_chunk < right->entry.old_chunk);
}

static struct snap_merge_bad describe(const struct snap_plan *plan, const struct snap_entry *entry,
                                      enum snap_plan_fate fate)
{
    const uint64_t origin_offset_bytes = entry->old_chunk * plan->chunk_bytes;

    return (struct snap_merge_bad){
        .entry = *entry,
        .reason = fate == SNAP_PLAN_UNWRITABLE ? SNAP_MERGE_BAD_UNWRITABLE
                  : fate == SNAP_PLAN_UNKEPT   ? SNAP_MERGE_BAD_UNKEPT
                                               : SNAP_MERGE_BAD_UNREADABLE,
        .origin_offset_bytes = origin_offset_bytes,
        .cow_offset_bytes = entry->new_chunk * plan->chunk_bytes,
        .length_bytes = snap_min(plan->chunk_bytes, plan->origin_bytes - origin_offset_bytes),
    };
}

enum snap_status snap_merge_bad_take(struct snap_merge *merge, const struct snap_window *window, enum snap_plan_fate fate,
                                struct snap_error *err)
{
    const struct snap_plan *plan = &window->plan;
    struct snap_merge_bad_entries *bad = &merge->bad;
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < plan->count && status == SNAP_OK && plan->bad_count > 0; i++) {
        const size_t place = plan->order[i];
        const struct snap_entry *entry = &plan->entries[place];

        if (plan->fate[place] != fate)
            continue;
        if (bad->count > bad->confirmed && bad->entries[bad->count - 1].entry.old_chunk == entry->old_chunk)
            continue; /* it was added with another slice of the same chunk */
        status = reserve(bad, err);
        if (status == SNAP_OK)
            bad->entries[bad->count++] = describe(plan, entry, fate);
    }
    return status;
}

void snap_merge_bad_confirm(struct snap_merge *merge)
{
    struct snap_merge_bad_entries *bad = &merge->bad;
    size_t kept = 0;

    if (bad->count > 1)
        qsort(bad->entries, bad->count, sizeof *bad->entries, by_old);
    for (size_t i = 0; i < bad->count; i++) /* an entry that stands in the list twice may have been met twice */
        if (kept == 0 || bad->entries[i].entry.old_chunk != bad->entries[kept - 1].entry.old_chunk)
            bad->entries[kept++] = bad->entries[i];
    bad->count = bad->confirmed = kept;
}

/* The confirmed bad entries in the order of the list. */
struct selection {
    struct snap_entry *found;
    bool *seen;               /* which of the bad ones */
    size_t count;
};

static void select_from(const struct snap_merge_bad_entries *bad, const struct snap_entry *entries, uint64_t count,
                        struct selection *selection)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct snap_merge_bad key = {.entry = entries[i]};
        const struct snap_merge_bad *match = bsearch(&key, bad->entries, bad->confirmed, sizeof key, by_old);

        if (!match || selection->seen[match - bad->entries])
            continue; /* merged; or the second of two that are the same */
        selection->seen[match - bad->entries] = true;
        selection->found[selection->count++] = entries[i];
    }
}

/* Finds all of them in the list from `first` on, or the list has changed. */
static enum snap_status select_bad(struct snap_merge *merge, uint64_t first, struct selection *selection,
                                   struct snap_error *err)
{
    const struct snap_merge_bad_entries *bad = &merge->bad;
    struct snap_entry *entries = calloc(READ_ENTRIES, sizeof *entries);
    enum snap_status status = SNAP_OK;

    selection->found = calloc(bad->confirmed, sizeof *selection->found);
    selection->seen = calloc(bad->confirmed, sizeof *selection->seen);
    if (!entries || !selection->found || !selection->seen)
        status = snap_fail(err, SNAP_E_NOMEM, "out of memory for a list of %zu bad chunks", bad->confirmed);
    for (uint64_t index = first, step; index < merge->list_length && status == SNAP_OK; index += step) {
        step = snap_min(merge->list_length - index, READ_ENTRIES);
        status = snap_list_read_entries(merge->store, index, step, entries, err);
        if (status == SNAP_OK)
            select_from(bad, entries, step, selection);
    }
    if (status == SNAP_OK && selection->count != bad->confirmed)
        status = snap_fail(err, SNAP_E_CORRUPT, "%s: %zu of %zu bad entries are no longer in the list, which was "
                           "checked: the device changed meanwhile", merge->store->io->name,
                           bad->confirmed - selection->count, bad->confirmed);
    free(entries);
    return status;
}

/* Puts the entries at [first, first + count) into the unit that begins with the entry `unit_first`; durably. */
static enum snap_status write_unit(struct snap_merge *merge, uint64_t unit_first, uint64_t first,
                                   const struct selection *selection, uint8_t *unit, uint8_t *before,
                                   struct snap_error *err)
{
    const struct snap_store *store = merge->store;
    const uint64_t unit_bytes = snap_header_unit_bytes(store);
    const uint64_t offset_bytes = snap_list_read_offset_bytes(store, unit_first);
    enum snap_status status = snap_io_read(store->io, offset_bytes, unit_bytes, before, err);

    if (status != SNAP_OK)
        return status;
    memcpy(unit, before, (size_t)unit_bytes);
    for (uint64_t slot = 0; slot < unit_bytes / SNAP_ENTRY_BYTES; slot++) {
        const uint64_t index = unit_first + slot;

        if (index >= first && index - first < selection->count)
            snap_codec_encode_entry(&selection->found[index - first], unit + slot * SNAP_ENTRY_BYTES);
    }
    if (memcmp(unit, before, (size_t)unit_bytes) == 0)
        return SNAP_OK;
    status = snap_io_write(store->io, offset_bytes, unit_bytes, unit, err);
    if (status != SNAP_OK)
        return status;
    merge->result->metadata_bytes += unit_bytes;
    merge->result->cow_flushes++;
    return snap_io_flush(store->io, err); /* before a unit behind it is written: that may hold the only other copy */
}

static enum snap_status write_units(struct snap_merge *merge, uint64_t first, const struct selection *selection,
                                    struct snap_error *err)
{
    const uint64_t unit_bytes = snap_header_unit_bytes(merge->store);
    const uint64_t unit_entries = unit_bytes / SNAP_ENTRY_BYTES;
    uint8_t *unit = snap_buffer_new(unit_bytes), *before = snap_buffer_new(unit_bytes);
    enum snap_status status = SNAP_OK;

    if (!unit || !before)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory moving entries", merge->store->io->name);
    for (uint64_t at = snap_round_down(first, unit_entries); at < first + selection->count && status == SNAP_OK;
         at += unit_entries)
        status = write_unit(merge, at, first, selection, unit, before, err);
    snap_buffer_free(unit);
    snap_buffer_free(before);
    return status;
}

enum snap_status snap_merge_bad_move(struct snap_merge *merge, uint64_t first, uint64_t *length, struct snap_error *err)
{
    struct selection selection = {0};
    enum snap_status status;
    uint64_t cut;

    *length = first;
    if (merge->bad.confirmed == 0)
        return SNAP_OK;
    status = select_bad(merge, first, &selection, err);
    if (status == SNAP_OK)
        status = write_units(merge, first, &selection, err);
    free(selection.found);
    free(selection.seen);
    if (status != SNAP_OK)
        return status;
    *length = first + merge->bad.confirmed;
    cut = snap_list_cut_single(merge->store, *length, merge->list_length);
    if (first > 0 && cut < merge->list_length)
        *length = cut; /* what stands between is merged, or repeats a bad one: it may stay for an atomic cut */
    return SNAP_OK;
}

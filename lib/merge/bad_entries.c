/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Collects the entries that could not be copied, and moves them in an order that never loses one. */
#include "lib/merge/bad_entries_private.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/text.h"
#include "lib/store/list_read.h"

#include <stdlib.h>
#include <string.h>

#define READ_ENTRIES 4096u /* so many entries of the list are read at once when the bad ones are looked up */

void snap_bad_entries_free(struct snap_bad_entries *bad)
{
    free(bad->entries);
    memset(bad, 0, sizeof *bad);
}

static enum snap_status reserve(struct snap_bad_entries *bad, struct snap_error *err)
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

enum snap_status snap_bad_entries_take(struct snap_bad_entries *bad, const struct snap_plan *plan,
                                       enum snap_plan_fate fate, struct snap_error *err)
{
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

void snap_bad_entries_confirm(struct snap_bad_entries *bad)
{
    size_t kept = 0;

    if (bad->count > 1)
        qsort(bad->entries, bad->count, sizeof *bad->entries, by_old);
    for (size_t i = 0; i < bad->count; i++) /* an entry that is repeated in the list may have been met twice */
        if (kept == 0 || bad->entries[i].entry.old_chunk != bad->entries[kept - 1].entry.old_chunk)
            bad->entries[kept++] = bad->entries[i];
    bad->count = bad->confirmed = kept;
}

/* The confirmed bad entries in the order in which they stand in the list. */
struct selection {
    struct snap_entry *found;
    bool *seen;               /* of each bad entry */
    size_t count;
};

static void select_from(const struct snap_bad_entries *bad, const struct snap_entry *entries, uint64_t count,
                        struct selection *selection)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct snap_merge_bad key = {.entry = entries[i]};
        const struct snap_merge_bad *match = bsearch(&key, bad->entries, bad->confirmed, sizeof key, by_old);

        if (!match || selection->seen[match - bad->entries])
            continue; /* it is merged, or it is the second of two that are the same */
        selection->seen[match - bad->entries] = true;
        selection->found[selection->count++] = entries[i];
    }
}

/* Looks all of them up in the list from `first` on. */
static enum snap_status select_bad(const struct snap_bad_entries *bad, const struct snap_store *store, uint64_t first,
                                   uint64_t list_length, struct selection *selection, struct snap_error *err)
{
    struct snap_entry *entries = calloc(READ_ENTRIES, sizeof *entries);
    enum snap_status status = SNAP_OK;

    selection->found = calloc(bad->confirmed, sizeof *selection->found);
    selection->seen = calloc(bad->confirmed, sizeof *selection->seen);
    if (!entries || !selection->found || !selection->seen)
        status = snap_fail(err, SNAP_E_NOMEM, "out of memory for a list of %zu bad chunks", bad->confirmed);
    for (uint64_t index = first, count; index < list_length && status == SNAP_OK; index += count) {
        count = snap_min(list_length - index, READ_ENTRIES);
        status = snap_list_read_entries(store, index, count, entries, err);
        if (status == SNAP_OK)
            select_from(bad, entries, count, selection);
    }
    if (status == SNAP_OK && selection->count != bad->confirmed)
        status = snap_fail(err, SNAP_E_CORRUPT,
                           "%s: %zu of %zu bad entries %s no longer in the list, which was checked: another program "
                           "has changed it; make sure that nothing else uses the device, and repeat this command",
                           store->io->name, bad->confirmed - selection->count, bad->confirmed,
                           snap_text_form(bad->confirmed - selection->count, "is", "are"));
    free(entries);
    return status;
}

/* The slots that the selection gets, and two buffers of one unit each. */
struct destination {
    const struct snap_store *store;
    uint64_t first;           /* index of the first of these slots */
    uint8_t *unit, *before;
};

/* Puts what belongs to the unit that begins with the slot `unit_first` into it, durably. */
static enum snap_status write_unit(const struct destination *to, uint64_t unit_first, const struct selection *selection,
                                   struct snap_list_cut_counts *counts, struct snap_error *err)
{
    const struct snap_store *store = to->store;
    const uint64_t unit_bytes = snap_header_unit_bytes(store);
    const uint64_t offset_bytes = snap_list_read_offset_bytes(store, unit_first);
    enum snap_status status = snap_io_read(store->io, offset_bytes, unit_bytes, to->before, err);

    if (status != SNAP_OK)
        return status;
    memcpy(to->unit, to->before, (size_t)unit_bytes);
    for (uint64_t slot = 0; slot < unit_bytes / SNAP_ENTRY_BYTES; slot++) {
        const uint64_t index = unit_first + slot;

        if (index >= to->first && index - to->first < selection->count)
            snap_codec_encode_entry(&selection->found[index - to->first], to->unit + slot * SNAP_ENTRY_BYTES);
    }
    if (memcmp(to->unit, to->before, (size_t)unit_bytes) == 0)
        return SNAP_OK;
    status = snap_io_write(store->io, offset_bytes, unit_bytes, to->unit, err);
    if (status != SNAP_OK)
        return status;
    counts->written_bytes += unit_bytes;
    counts->flushes++;
    return snap_io_flush(store->io, err); /* before a unit behind it is written: that may hold the only other copy */
}

static enum snap_status write_units(const struct snap_store *store, uint64_t first, const struct selection *selection,
                                    struct snap_list_cut_counts *counts, struct snap_error *err)
{
    const uint64_t unit_bytes = snap_header_unit_bytes(store);
    const uint64_t unit_entries = unit_bytes / SNAP_ENTRY_BYTES;
    const struct destination to = {store, first, snap_buffer_new(unit_bytes), snap_buffer_new(unit_bytes)};
    enum snap_status status = SNAP_OK;

    if (!to.unit || !to.before)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory moving entries", store->io->name);
    for (uint64_t at = snap_round_down(first, unit_entries); at < first + selection->count && status == SNAP_OK;
         at += unit_entries)
        status = write_unit(&to, at, selection, counts, err);
    snap_buffer_free(to.unit);
    snap_buffer_free(to.before);
    return status;
}

enum snap_status snap_bad_entries_move(const struct snap_bad_entries *bad, const struct snap_store *store,
                                       uint64_t first, uint64_t list_length, struct snap_list_cut_counts *counts,
                                       uint64_t *length, struct snap_error *err)
{
    struct selection selection = {0};
    enum snap_status status;
    uint64_t cut;

    *length = first;
    if (bad->confirmed == 0)
        return SNAP_OK;
    status = select_bad(bad, store, first, list_length, &selection, err);
    if (status == SNAP_OK)
        status = write_units(store, first, &selection, counts, err);
    free(selection.found);
    free(selection.seen);
    if (status != SNAP_OK)
        return status;
    *length = first + bad->confirmed;
    cut = snap_list_cut_single(store, *length, list_length);
    if (first > 0 && cut < list_length)
        *length = cut; /* the entries up to there are merged, or repeat bad ones: they may stay for an atomic cut */
    return SNAP_OK;
}

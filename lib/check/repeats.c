/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A filter of numbers that were met again, and a table that tells who had them first. */
#include "lib/check/repeats_private.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/store/list_walk.h"

#include <inttypes.h>
#include <stdlib.h>

#define SLOTS_MIN 64u
#define SLOTS_PER_NUMBER 4u /* room for a few that the filter lets through */
#define INDEX_MASK ((UINT64_C(1) << 56) - 1) /* no device is so large */
#define PASSES_MAX (UINT64_C(1) << 20)

/* The first entry that has a noted number. */
struct slot {
    uint64_t number;
    uint64_t other;      /* its other number */
    uint64_t index_next : 56; /* its index + 1; 0: the slot is free */
    uint64_t copies : 8;      /* of the same entry behind it, as far as they matter */
};

struct finder {
    const struct snap_repeats_search *search;
    const struct snap_repeats_numbers *numbers;
    struct snap_repeats_kinds *kinds;
    bool by_new;
    struct slot *slots;  /* open addressing */
    uint64_t slot_count; /* a power of two */
    uint64_t used;
    uint64_t probes;
    uint64_t passes, pass; /* this pass looks at one share of the numbers */
    bool full;
};

static uint64_t hash_of(const struct snap_repeats_numbers *numbers, uint64_t chunk)
{
    return snap_hash_key_mix(&numbers->key, chunk);
}

static uint64_t filter_bit(const struct snap_repeats_numbers *numbers, uint64_t hash)
{
    return hash & (numbers->filter_bytes * 8 - 1);
}

void snap_repeats_numbers_init(struct snap_repeats_numbers *numbers, uint64_t filter_bytes)
{
    *numbers = (struct snap_repeats_numbers){.filter_bytes = filter_bytes};
    snap_hash_key_init(&numbers->key);
}

void snap_repeats_numbers_note(struct snap_repeats_numbers *numbers, uint64_t chunk)
{
    if (numbers->count++ == 0 && !numbers->filter)
        numbers->filter = snap_array_new(numbers->filter_bytes / sizeof *numbers->filter, sizeof *numbers->filter);
    if (numbers->filter) {
        const uint64_t bit = filter_bit(numbers, hash_of(numbers, chunk));

        numbers->filter[bit / 64] |= UINT64_C(1) << (bit % 64);
    }
}

void snap_repeats_numbers_free(struct snap_repeats_numbers *numbers)
{
    free(numbers->filter);
    numbers->filter = NULL;
}

static bool may_be_noted(const struct snap_repeats_numbers *numbers, uint64_t hash)
{
    const uint64_t bit = filter_bit(numbers, hash);

    return !numbers->filter || (numbers->filter[bit / 64] >> (bit % 64) & 1) != 0;
}

/* Keeps those that come first in the list: a later pass meets earlier entries again. */
static void keep(const struct finder *finder, struct snap_repeats *repeats, const struct snap_duplicate *duplicate)
{
    uint64_t place = repeats->count++;

    repeats->last_chunk_count += duplicate->old_chunk == finder->search->origin_chunks - 1;
    if (place >= SNAP_DUPLICATES_NAMED) {
        if (duplicate->index > repeats->named[repeats->last].index)
            return;
        place = repeats->last;
    }
    repeats->named[place] = *duplicate;
    repeats->last = 0;
    for (uint64_t k = 1; k < snap_min(repeats->count, SNAP_DUPLICATES_NAMED); k++)
        if (repeats->named[k].index > repeats->named[repeats->last].index)
            repeats->last = k;
}

/* One more copy of the entry in the slot. */
static void keep_identical(struct finder *finder, struct slot *slot, const struct snap_duplicate *found)
{
    struct snap_repeated *repeated = finder->by_new ? NULL : finder->search->repeated;

    keep(finder, &finder->kinds->identical, found);
    if (repeated)
        snap_repeated_note(repeated, found->old_chunk, found->first_index);
    if (slot->copies >= SNAP_DUPLICATES_COPIES_MAX)
        return;
    slot->copies = (slot->copies + 1u) & 0xff;
    if (slot->copies == SNAP_DUPLICATES_COPIES_MAX) /* beside the first one */
        keep(finder, &finder->kinds->often, found);
}

/* The slot of the number, or the free one where it belongs. */
static struct slot *find_slot(struct finder *finder, uint64_t number, uint64_t hash)
{
    uint64_t at = snap_hash_key_place(hash, finder->slot_count);

    for (finder->probes++; finder->slots[at].index_next != 0 && finder->slots[at].number != number; finder->probes++)
        at = (at + 1) & (finder->slot_count - 1);
    return &finder->slots[at];
}

static void look_at(struct finder *finder, const struct snap_span *span, uint32_t i)
{
    const struct snap_duplicate entry = {
        .index = span->first_index + i, .old_chunk = snap_span_old(span, i), .new_chunk = snap_span_new(span, i)};
    const uint64_t number = finder->by_new ? entry.new_chunk : entry.old_chunk;
    const uint64_t other = finder->by_new ? entry.old_chunk : entry.new_chunk;
    const uint64_t hash = hash_of(finder->numbers, number);
    const bool old_fits = entry.old_chunk < finder->search->origin_chunks;
    const bool new_fits = snap_layout_is_data_chunk(&finder->search->store->layout, entry.new_chunk);
    struct snap_duplicate found = entry;
    struct slot *slot;

    if (!(finder->by_new ? new_fits : old_fits) || !may_be_noted(finder->numbers, hash) ||
        snap_hash_key_share(hash, finder->passes) != finder->pass)
        return;
    slot = find_slot(finder, number, hash);
    if (slot->index_next == 0) {
        finder->full = finder->used >= finder->slot_count / 4 * 3;
        if (!finder->full) {
            *slot = (struct slot){.number = number, .other = other, .index_next = (entry.index + 1) & INDEX_MASK};
            finder->used++;
        }
        return;
    }
    found.first_index = slot->index_next - 1;
    if (!old_fits || !new_fits || slot->other != other)
        keep(finder, &finder->kinds->different, &found);
    else
        keep_identical(finder, slot, &found);
}

/* One walk over the list, for the numbers of one pass. Ends early where the table is full. */
static enum snap_status walk(struct finder *finder, struct snap_error *err)
{
    const struct snap_repeats_search *search = finder->search;
    struct snap_list_walk *entries;
    struct snap_span span;
    enum snap_status status = snap_list_walk_open(&entries, search->store, err);

    if (status != SNAP_OK)
        return status;
    snap_list_walk_stop_on(entries, search->stop, search->stop_context);
    finder->used = 0;
    for (uint64_t i = 0; i < finder->slot_count; i++)
        finder->slots[i].index_next = 0;
    do {
        status = snap_list_walk_next(entries, &span, err);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live && !finder->full; i++)
            look_at(finder, &span, i);
    } while (status == SNAP_OK && span.live != 0 && !finder->full);
    snap_list_walk_close(entries);
    return status;
}

/* All passes at the present division; stops early where the table is full. */
static enum snap_status run_passes(struct finder *finder, struct snap_repeats_cost *cost, struct snap_error *err)
{
    struct snap_repeats *const kinds[] = {&finder->kinds->identical, &finder->kinds->different, &finder->kinds->often};
    enum snap_status status = SNAP_OK;

    finder->slots = snap_array_new(finder->slot_count, sizeof *finder->slots);
    if (!finder->slots)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory telling repeated entries from duplicates",
                         finder->search->store->io->name);
    for (size_t i = 0; i < 3; i++)
        kinds[i]->count = kinds[i]->last_chunk_count = 0;
    finder->full = false;
    for (finder->pass = 0; finder->pass < finder->passes && status == SNAP_OK && !finder->full; finder->pass++) {
        status = walk(finder, err);
        cost->walks++;
    }
    free(finder->slots);
    cost->probes += finder->probes;
    finder->probes = 0;
    return status;
}

static int by_index(const void *a, const void *b)
{
    const struct snap_duplicate *left = a, *right = b;

    return (left->index > right->index) - (left->index < right->index);
}

/* Those that are kept, in the order of the list. */
static void sort_named(struct snap_repeats *kind)
{
    qsort(kind->named, (size_t)snap_min(kind->count, SNAP_DUPLICATES_NAMED), sizeof kind->named[0], by_index);
}

enum snap_status snap_repeats_find(const struct snap_repeats_search *search, bool by_new,
                                   const struct snap_repeats_numbers *numbers, struct snap_repeats_kinds *kinds,
                                   struct snap_repeats_cost *cost, struct snap_error *err)
{
    struct finder finder = {.search = search, .numbers = numbers, .kinds = kinds, .by_new = by_new,
                            .slot_count = SLOTS_MIN, .passes = 1};
    const char *name = search->store->io->name;
    uint64_t met;
    enum snap_status status;

    while (finder.slot_count * 2 * sizeof(struct slot) <= search->memory_bytes &&
           finder.slot_count / SLOTS_PER_NUMBER < numbers->count)
        finder.slot_count *= 2;
    status = run_passes(&finder, cost, err);
    while (status == SNAP_OK && finder.full) {
        if (finder.slot_count * 2 * sizeof(struct slot) <= search->memory_bytes)
            finder.slot_count *= 2;
        else
            finder.passes *= 2;
        if (finder.passes > PASSES_MAX)
            return snap_fail(err, SNAP_E_NOMEM, "%s: not enough memory to tell repeated entries from duplicates", name);
        status = run_passes(&finder, cost, err);
    }
    if (status != SNAP_OK)
        return status;
    met = kinds->identical.count + kinds->different.count;
    if (met != numbers->count)
        return snap_fail(err, SNAP_E_CORRUPT,
                         "%s: the list changed while it was read: %" PRIu64 " repetitions of %s chunks, then %" PRIu64
                         "; another program writes to it: stop that, then repeat this command",
                         name, numbers->count, by_new ? "data" : "origin", met);
    sort_named(&kinds->identical);
    sort_named(&kinds->different);
    sort_named(&kinds->often);
    return SNAP_OK;
}

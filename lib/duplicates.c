/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "duplicates.h"

#include "arith.h"
#include "chunkset.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define FILTER_BITS 65536u
#define PASSES_MAX (UINT64_C(1) << 20)

/* The duplicates of one rule: the first ones by name, all by number. */
struct repeats {
    struct snap_duplicate named[SNAP_DUPLICATES_NAMED];
    uint64_t last;  /* which of them has the highest index */
    uint64_t count;
};

struct snap_sets {
    const struct snap_store *store;
    uint64_t origin_chunks;
    struct snap_chunkset *olds, *news;
    struct repeats old_repeats, new_repeats;
    uint64_t canonical_end;         /* the first entries all have their canonical chunk: all data chunks below this */
    bool canonical;                 /* all entries so far; their chunks need no set */
    uint64_t passes, pass;          /* this pass looks at pages with hash % passes == pass */
    bool short_of_memory;
    uint64_t reached_index;         /* where memory ran out */
    uint64_t continuation_entries;  /* the least that any pass found */
};

enum snap_status snap_sets_new(struct snap_sets **result, const struct snap_store *store, uint64_t origin_chunks,
                               uint64_t memory_bytes, struct snap_error *err)
{
    struct snap_sets *sets = calloc(1, sizeof *sets);

    *result = sets;
    if (sets) {
        sets->store = store;
        sets->origin_chunks = origin_chunks;
        sets->passes = 1;
        sets->continuation_entries = UINT64_MAX;
        sets->canonical = true;
        sets->olds = snap_chunkset_new(memory_bytes / 4 * 3); /* nearly all stores are canonical: see add_new */
        sets->news = snap_chunkset_new(memory_bytes / 4);
    }
    if (!sets || !sets->olds || !sets->news) {
        snap_sets_free(sets);
        *result = NULL;
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for the sets of chunks", store->io->name);
    }
    return SNAP_OK;
}

/* Keeps those that come first in the list: a later pass meets earlier entries again. */
static void repeat(struct repeats *repeats, const struct snap_span *span, uint32_t i)
{
    const uint64_t index = span->first_index + i;
    uint64_t place = repeats->count++;

    if (place >= SNAP_DUPLICATES_NAMED) {
        if (index > repeats->named[repeats->last].index)
            return;
        place = repeats->last;
    }
    repeats->named[place] = (struct snap_duplicate){
        .index = index,
        .old_chunk = snap_span_old(span, i),
        .new_chunk = snap_span_new(span, i),
    };
    repeats->last = 0;
    for (uint64_t k = 1; k < snap_min(repeats->count, SNAP_DUPLICATES_NAMED); k++)
        if (repeats->named[k].index > repeats->named[repeats->last].index)
            repeats->last = k;
}

/* Adds the number if it belongs to this pass; false where memory is short. */
static bool add(const struct snap_sets *sets, struct snap_chunkset *set, uint64_t chunk, bool *was_there)
{
    *was_there = false;
    if (sets->passes > 1 && (snap_chunkset_page_hash(chunk) >> 32) % sets->passes != sets->pass)
        return true;
    return snap_chunkset_add(set, chunk, was_there) == SNAP_OK;
}

/*
 * Whether a data chunk was used before; adds it. While all entries have their canonical chunk none can repeat, and all
 * data chunks below canonical_end are in use: the set only holds those that come behind the first exception.
 */
static bool add_new(struct snap_sets *sets, uint64_t index, uint64_t new_chunk, bool *was_there)
{
    *was_there = false;
    if (sets->canonical && new_chunk == snap_canonical_chunk(&sets->store->layout, index)) {
        sets->canonical_end = new_chunk + 1;
        return true;
    }
    sets->canonical = false;
    if (new_chunk < sets->canonical_end) {
        *was_there = sets->pass == 0; /* every pass sees this one; the first reports it */
        return true;
    }
    return add(sets, sets->news, new_chunk, was_there);
}

void snap_sets_feed(struct snap_sets *sets, const struct snap_span *span)
{
    const struct snap_layout *layout = &sets->store->layout;

    for (uint32_t i = 0; i < span->live && !sets->short_of_memory; i++) {
        uint64_t old_chunk = snap_span_old(span, i);
        uint64_t new_chunk = snap_span_new(span, i);
        bool repeated = false;

        if (old_chunk < sets->origin_chunks) {
            sets->short_of_memory = !add(sets, sets->olds, old_chunk, &repeated);
            if (repeated)
                repeat(&sets->old_repeats, span, i);
        }
        if (new_chunk < layout->cow_chunks && !snap_is_area_chunk(layout, new_chunk)) {
            sets->short_of_memory |= !add_new(sets, span->first_index + i, new_chunk, &repeated);
            if (repeated)
                repeat(&sets->new_repeats, span, i);
        } else {
            sets->canonical = false; /* from here on its canonical chunk is free */
        }
        sets->reached_index = span->first_index + i;
    }
}

/* How many entries of the span continue the list: canonical data chunk, an old that nobody has. */
static uint32_t continuing(struct snap_sets *sets, const struct snap_span *span)
{
    uint32_t i;

    for (i = 0; i < span->live; i++) {
        uint64_t old_chunk = snap_span_old(span, i);
        uint64_t new_chunk = snap_span_new(span, i);
        bool repeated;

        if (new_chunk != snap_canonical_chunk(&sets->store->layout, span->first_index + i) ||
            new_chunk >= sets->store->layout.cow_chunks || old_chunk >= sets->origin_chunks)
            break;
        if (!add(sets, sets->olds, old_chunk, &repeated)) {
            sets->short_of_memory = true;
            break;
        }
        if (repeated)
            break;
    }
    return i;
}

/* Looks at the areas behind the one that holds the end (format 13, rule 8), with all live olds in the set. */
static enum snap_status look_behind(struct snap_sets *sets, uint64_t entries, struct snap_sets_result *result,
                                    struct snap_error *err)
{
    const uint64_t first_area = entries / sets->store->layout.entries_per_area + 1;
    struct snap_entries *walk;
    struct snap_span span;
    uint64_t found = 0;
    enum snap_status status;

    if (first_area >= snap_areas_on_device(&sets->store->layout))
        return SNAP_OK;
    status = snap_entries_open(&walk, sets->store, err);
    if (status != SNAP_OK)
        return status;
    snap_entries_seek_area(walk, first_area);
    /* What cannot be read back there is nobody's list: a failure only ends the look. */
    while (snap_entries_next(walk, &span, NULL) == SNAP_OK && span.slots != 0) {
        uint32_t fitting = continuing(sets, &span);

        for (size_t i = 0; found == 0 && result->stale_area == 0 && i < (size_t)span.slots * SNAP_ENTRY_BYTES; i++)
            if (span.bytes[i] != 0)
                result->stale_area = first_area;
        found += fitting;
        if (fitting < span.slots)
            break;
    }
    snap_entries_close(walk);
    sets->continuation_entries = snap_min(sets->continuation_entries, found);
    return SNAP_OK;
}

static enum snap_status feed_again(struct snap_sets *sets, bool (*stop)(void *context), void *stop_context,
                                   struct snap_error *err)
{
    struct snap_entries *walk;
    struct snap_span span;
    enum snap_status status = snap_entries_open(&walk, sets->store, err);

    if (status != SNAP_OK)
        return status;
    snap_chunkset_clear(sets->olds);
    snap_chunkset_clear(sets->news);
    sets->canonical = true;
    sets->canonical_end = 0;
    do {
        status = snap_entries_next(walk, &span, err);
        if (status == SNAP_OK && stop && stop(stop_context))
            status = snap_fail(err, SNAP_E_STOPPED, "%s: stopped while reading the list", sets->store->io->name);
        if (status == SNAP_OK)
            snap_sets_feed(sets, &span);
    } while (status == SNAP_OK && span.live != 0 && !sets->short_of_memory);
    snap_entries_close(walk);
    return status;
}

/* All passes at the present division; stops early where memory is short. */
static enum snap_status run_passes(struct snap_sets *sets, uint64_t entries, bool (*stop)(void *context),
                                   void *stop_context, struct snap_sets_result *result, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    sets->old_repeats.count = sets->new_repeats.count = 0;
    sets->continuation_entries = UINT64_MAX;
    sets->short_of_memory = false;
    for (sets->pass = 0; sets->pass < sets->passes && status == SNAP_OK && !sets->short_of_memory; sets->pass++) {
        status = feed_again(sets, stop, stop_context, err);
        result->passes++;
        if (status == SNAP_OK && !sets->short_of_memory)
            status = look_behind(sets, entries, result, err);
    }
    return status;
}

static int by_index(const void *a, const void *b)
{
    const struct snap_duplicate *left = a, *right = b;

    return (left->index > right->index) - (left->index < right->index);
}

struct name_walk {
    struct repeats *repeats[2]; /* olds, news */
    uint8_t filter[2][FILTER_BITS / 8];
};

static uint64_t number_of(const struct snap_duplicate *duplicate, int which)
{
    return which == 0 ? duplicate->old_chunk : duplicate->new_chunk;
}

/* Whoever used the number first. Few numbers are looked for, so nearly every entry falls through the filter. */
static void name_first(struct name_walk *names, int which, uint64_t chunk, uint64_t index)
{
    struct repeats *repeats = names->repeats[which];

    if ((names->filter[which][chunk % FILTER_BITS / 8] >> (chunk % 8) & 1) == 0)
        return;
    for (uint64_t i = 0; i < snap_min(repeats->count, SNAP_DUPLICATES_NAMED); i++)
        if (number_of(&repeats->named[i], which) == chunk && repeats->named[i].first_index == UINT64_MAX)
            repeats->named[i].first_index = index;
}

/* One more walk, up to the last duplicate, that finds the first user of each repeated number. */
static enum snap_status find_first_users(struct snap_sets *sets, struct snap_error *err)
{
    struct name_walk *names = calloc(1, sizeof *names);
    struct snap_entries *walk = NULL;
    struct snap_span span;
    enum snap_status status;

    if (!names)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory naming duplicates", sets->store->io->name);
    names->repeats[0] = &sets->old_repeats;
    names->repeats[1] = &sets->new_repeats;
    for (int which = 0; which < 2; which++) {
        struct repeats *repeats = names->repeats[which];
        uint64_t named = snap_min(repeats->count, SNAP_DUPLICATES_NAMED);

        qsort(repeats->named, named, sizeof repeats->named[0], by_index);
        for (uint64_t i = 0; i < named; i++) {
            uint64_t chunk = number_of(&repeats->named[i], which);

            repeats->named[i].first_index = UINT64_MAX;
            names->filter[which][chunk % FILTER_BITS / 8] |= (uint8_t)(1u << (chunk % 8));
        }
    }
    status = snap_entries_open(&walk, sets->store, err);
    while (status == SNAP_OK) {
        status = snap_entries_next(walk, &span, err);
        if (status != SNAP_OK || span.live == 0)
            break;
        for (uint32_t i = 0; i < span.live; i++) {
            name_first(names, 0, snap_span_old(&span, i), span.first_index + i);
            name_first(names, 1, snap_span_new(&span, i), span.first_index + i);
        }
    }
    snap_entries_close(walk);
    free(names);
    return status;
}

static enum snap_status report(const struct repeats *repeats, enum snap_rule rule, snap_duplicate_fn fn, void *context,
                               struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    /* Beyond those with a name, the last one stands for its like, so that the count is right. */
    for (uint64_t i = 0; i < repeats->count && status == SNAP_OK; i++)
        status = fn(context, rule, &repeats->named[snap_min(i, SNAP_DUPLICATES_NAMED - 1)], err);
    return status;
}

enum snap_status snap_sets_finish(struct snap_sets *sets, uint64_t entries, bool (*stop)(void *context),
                                  void *stop_context, snap_duplicate_fn fn, void *context,
                                  struct snap_sets_result *result, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    *result = (struct snap_sets_result){.passes = 1};
    if (!sets->short_of_memory)
        status = look_behind(sets, entries, result, err);
    while (status == SNAP_OK && sets->short_of_memory) {
        /* Twice what the share that fitted suggests: hashing does not divide evenly. */
        uint64_t share = snap_div_up(entries + 1, sets->reached_index + 1) * 2;

        if (sets->passes > PASSES_MAX)
            return snap_fail(err, SNAP_E_NOMEM, "%s: not enough memory to look for duplicates", sets->store->io->name);
        sets->passes = snap_max(share, 2) * sets->passes;
        sets->reached_index = 0;
        status = run_passes(sets, entries, stop, stop_context, result, err);
    }
    if (status == SNAP_OK && sets->old_repeats.count + sets->new_repeats.count > 0)
        status = find_first_users(sets, err);
    if (status == SNAP_OK)
        status = report(&sets->old_repeats, SNAP_RULE_DUPLICATE_OLD, fn, context, err);
    if (status == SNAP_OK)
        status = report(&sets->new_repeats, SNAP_RULE_DUPLICATE_NEW, fn, context, err);
    if (sets->continuation_entries != UINT64_MAX && sets->continuation_entries > 0) {
        result->continuation_area = entries / sets->store->layout.entries_per_area + 1;
        result->continuation_entries = sets->continuation_entries;
    }
    return status;
}

void snap_sets_free(struct snap_sets *sets)
{
    if (!sets)
        return;
    snap_chunkset_free(sets->olds);
    snap_chunkset_free(sets->news);
    free(sets);
}

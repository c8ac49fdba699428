/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two sets, of origin chunks and of data chunks, filled in as many passes as memory asks for. */
#include "lib/check/duplicates.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/check/chunkset.h"
#include "lib/check/repeats_private.h"

#include <stdlib.h>

#define FILTER_SHARE 32u /* of the memory, for each of the two filters of numbers met again */
#define FILTER_BYTES_MAX (UINT64_C(8) << 20)
#define PASSES_MAX (UINT64_C(1) << 20)

struct snap_duplicates {
    const struct snap_store *store;
    uint64_t origin_chunks;
    uint64_t memory_bytes;
    struct snap_chunkset *olds, *news;
    struct snap_repeats_numbers repeated_olds, repeated_news;
    uint64_t canonical_end;         /* the first entries all have their canonical chunk: all data chunks below this */
    bool canonical;                 /* all entries so far; their chunks need no set */
    uint64_t passes, pass;          /* this pass looks at pages with hash % passes == pass */
    bool short_of_memory;
    uint64_t reached_index;         /* where memory ran out */
    uint64_t continuation_entries;  /* the least that any pass found */
    /* A pass found that the list uses the data chunk of the first entry behind its end. */
    bool dead;
};

enum snap_status snap_duplicates_new(struct snap_duplicates **result, const struct snap_store *store,
                                     uint64_t origin_chunks, uint64_t memory_bytes, struct snap_error *err)
{
    struct snap_duplicates *sets = calloc(1, sizeof *sets);
    uint64_t filter_bytes = 8;

    *result = sets;
    if (sets) {
        while (filter_bytes * 2 <= snap_min(memory_bytes / FILTER_SHARE, FILTER_BYTES_MAX))
            filter_bytes *= 2;
        sets->repeated_olds.filter_bytes = sets->repeated_news.filter_bytes = filter_bytes;
        sets->store = store;
        sets->origin_chunks = origin_chunks;
        sets->memory_bytes = memory_bytes;
        sets->passes = 1;
        sets->continuation_entries = UINT64_MAX;
        sets->canonical = true;
        /* The larger part for olds: nearly all stores are canonical, see add_new. */
        sets->olds = snap_chunkset_new(memory_bytes / 4 * 3 - 2 * filter_bytes);
        sets->news = snap_chunkset_new(memory_bytes / 4);
    }
    if (!sets || !sets->olds || !sets->news) {
        snap_duplicates_free(sets);
        *result = NULL;
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for the sets of chunks", store->io->name);
    }
    return SNAP_OK;
}

/* Adds the number if it belongs to this pass; false where memory is short. */
static bool add(const struct snap_duplicates *sets, struct snap_chunkset *set, uint64_t chunk, bool *was_there)
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
static bool add_new(struct snap_duplicates *sets, uint64_t index, uint64_t new_chunk, bool *was_there)
{
    *was_there = false;
    if (sets->canonical && new_chunk == snap_layout_canonical_chunk(&sets->store->layout, index)) {
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

void snap_duplicates_feed(struct snap_duplicates *sets, const struct snap_span *span)
{
    const struct snap_layout *layout = &sets->store->layout;

    for (uint32_t i = 0; i < span->live && !sets->short_of_memory; i++) {
        uint64_t old_chunk = snap_span_old(span, i);
        uint64_t new_chunk = snap_span_new(span, i);
        bool repeated = false;

        if (old_chunk < sets->origin_chunks) {
            sets->short_of_memory = !add(sets, sets->olds, old_chunk, &repeated);
            if (repeated)
                snap_repeats_numbers_note(&sets->repeated_olds, old_chunk);
        }
        if (snap_layout_is_data_chunk(layout, new_chunk)) {
            sets->short_of_memory |= !add_new(sets, span->first_index + i, new_chunk, &repeated);
            if (repeated)
                snap_repeats_numbers_note(&sets->repeated_news, new_chunk);
        } else {
            sets->canonical = false; /* from here on its canonical chunk is free */
        }
        sets->reached_index = span->first_index + i;
    }
}

/*
 * How many entries of the span continue the list: canonical data chunk, which the list does not use, an old that nobody
 * has. `is_first`: the span is the first one behind the end.
 */
static uint32_t continuing(struct snap_duplicates *sets, const struct snap_span *span, bool is_first)
{
    uint32_t i;

    for (i = 0; i < span->live; i++) {
        uint64_t old_chunk = snap_span_old(span, i);
        uint64_t new_chunk = snap_span_new(span, i);
        bool repeated;

        if (new_chunk != snap_layout_canonical_chunk(&sets->store->layout, span->first_index + i) ||
            new_chunk >= sets->store->layout.cow_chunks || old_chunk >= sets->origin_chunks)
            break;
        if (snap_chunkset_has(sets->news, new_chunk)) {
            sets->dead |= i == 0 && is_first;
            break;
        }
        if (!add(sets, sets->olds, old_chunk, &repeated)) {
            sets->short_of_memory = true;
            break;
        }
        if (repeated)
            break;
    }
    return i;
}

/* Looks at the areas behind the one that holds the end (rule list-cut), with all live olds in the set. */
static enum snap_status look_behind(struct snap_duplicates *sets, uint64_t entries,
                                    struct snap_duplicates_result *result, struct snap_error *err)
{
    const uint64_t first_area = snap_layout_area_behind(&sets->store->layout, entries);
    struct snap_list_walk *walk;
    struct snap_error reason = {0};
    struct snap_span span;
    uint64_t found = 0;
    enum snap_status status;

    if (first_area >= snap_layout_areas_on_device(&sets->store->layout))
        return SNAP_OK;
    status = snap_list_walk_open(&walk, sets->store, err);
    if (status != SNAP_OK)
        return status;
    snap_list_walk_seek_area(walk, first_area);
    for (;;) {
        uint32_t fitting;

        status = snap_list_walk_next(walk, &span, &reason);
        if (status != SNAP_OK || span.slots == 0)
            break;
        fitting = continuing(sets, &span, found == 0);
        if (found == 0 && !snap_all_zero(span.bytes, (uint64_t)span.slots * SNAP_ENTRY_BYTES))
            result->leftover_area = first_area;
        found += fitting;
        if (fitting < span.slots)
            break;
    }
    snap_list_walk_close(walk);
    sets->continuation_entries = snap_min(sets->continuation_entries, found);
    /* What the medium does not give back there, or what goes on to the device's end, is nobody's list. */
    if (status == SNAP_OK || status == SNAP_E_CORRUPT || snap_error_is_medium(reason.sys_errno))
        return SNAP_OK;
    if (err)
        *err = reason;
    return status;
}

static enum snap_status feed_again(struct snap_duplicates *sets, bool (*stop)(void *context), void *stop_context,
                                   struct snap_error *err)
{
    struct snap_list_walk *walk;
    struct snap_span span;
    enum snap_status status = snap_list_walk_open(&walk, sets->store, err);

    if (status != SNAP_OK)
        return status;
    snap_list_walk_stop_on(walk, stop, stop_context);
    snap_chunkset_clear(sets->olds);
    snap_chunkset_clear(sets->news);
    sets->canonical = true;
    sets->canonical_end = 0;
    do {
        status = snap_list_walk_next(walk, &span, err);
        if (status == SNAP_OK)
            snap_duplicates_feed(sets, &span);
    } while (status == SNAP_OK && span.live != 0 && !sets->short_of_memory);
    snap_list_walk_close(walk);
    return status;
}

/* All passes at the present division; stops early where memory is short. */
static enum snap_status run_passes(struct snap_duplicates *sets, uint64_t entries, bool (*stop)(void *context),
                                   void *stop_context, struct snap_duplicates_result *result, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    sets->repeated_olds.count = sets->repeated_news.count = 0;
    sets->continuation_entries = UINT64_MAX;
    sets->dead = false;
    sets->short_of_memory = false;
    for (sets->pass = 0; sets->pass < sets->passes && status == SNAP_OK && !sets->short_of_memory; sets->pass++) {
        status = feed_again(sets, stop, stop_context, err);
        result->passes++;
        if (status == SNAP_OK && !sets->short_of_memory)
            status = look_behind(sets, entries, result, err);
    }
    return status;
}

static enum snap_status report(const struct snap_repeats *repeats, enum snap_rule rule, snap_duplicate_fn fn,
                               void *context, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    /* Beyond those with a name, the last one stands for its like, so that the count is right. */
    for (uint64_t i = 0; i < repeats->count && status == SNAP_OK; i++)
        status = fn(context, rule, &repeats->named[snap_min(i, SNAP_DUPLICATES_NAMED - 1)], err);
    return status;
}

/* Each repetition by one number is of an entry that is the same as the first one with it, or of another. */
struct kinds {
    struct snap_repeats identical, different;
};

/* What was met again, told apart and reported. The sets are no longer needed: the memory is free for the tables. */
static enum snap_status report_repeats(struct snap_duplicates *sets, const struct snap_repeats_search *search,
                                       snap_duplicate_fn fn, void *context, struct snap_duplicates_result *result,
                                       struct snap_error *err)
{
    struct kinds *by_old = calloc(1, sizeof *by_old), *by_new = calloc(1, sizeof *by_new);
    enum snap_status status = SNAP_OK;

    if (!by_old || !by_new)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory naming duplicates", sets->store->io->name);
    if (status == SNAP_OK && sets->repeated_olds.count > 0)
        status = snap_repeats_find(search, false, &sets->repeated_olds, &by_old->identical, &by_old->different,
                                   &result->further_walks, err);
    /* An entry that repeats another as a whole does so by its new, too: where these are all, there is no more. */
    if (status == SNAP_OK && sets->repeated_news.count != by_old->identical.count)
        status = snap_repeats_find(search, true, &sets->repeated_news, &by_new->identical, &by_new->different,
                                   &result->further_walks, err);
    if (status == SNAP_OK) {
        result->repeated_entries = by_old->identical.count;
        result->repeated_last_chunk = by_old->identical.last_chunk_count;
        status = report(&by_old->different, SNAP_RULE_DUPLICATE_OLD, fn, context, err);
    }
    if (status == SNAP_OK)
        status = report(&by_new->different, SNAP_RULE_DUPLICATE_NEW, fn, context, err);
    if (status == SNAP_OK)
        status = report(&by_old->identical, SNAP_RULE_ENTRY_REPEATED, fn, context, err);
    free(by_old);
    free(by_new);
    return status;
}

enum snap_status snap_duplicates_finish(struct snap_duplicates *sets, uint64_t entries, bool (*stop)(void *context),
                                        void *stop_context, snap_duplicate_fn fn, void *context,
                                        struct snap_duplicates_result *result, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    *result = (struct snap_duplicates_result){.passes = 1};
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
    snap_chunkset_free(sets->olds);
    snap_chunkset_free(sets->news);
    sets->olds = sets->news = NULL;
    if (status == SNAP_OK && sets->repeated_olds.count + sets->repeated_news.count > 0) {
        const struct snap_repeats_search search = {
            .store = sets->store,
            .origin_chunks = sets->origin_chunks,
            .memory_bytes = sets->memory_bytes - snap_min(sets->memory_bytes, 2 * sets->repeated_olds.filter_bytes),
            .stop = stop,
            .stop_context = stop_context,
        };

        status = report_repeats(sets, &search, fn, context, result, err);
    }
    if (sets->continuation_entries != UINT64_MAX && sets->continuation_entries > 0) {
        result->continuation_area = snap_layout_area_behind(&sets->store->layout, entries);
        result->continuation_entries = sets->continuation_entries;
    }
    if (sets->dead)
        result->moved_area = snap_layout_area_behind(&sets->store->layout, entries);
    return status;
}

void snap_duplicates_free(struct snap_duplicates *sets)
{
    if (!sets)
        return;
    snap_chunkset_free(sets->olds);
    snap_chunkset_free(sets->news);
    snap_repeats_numbers_free(&sets->repeated_olds);
    snap_repeats_numbers_free(&sets->repeated_news);
    free(sets);
}

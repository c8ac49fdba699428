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
#define EXPECTED_ENTRIES 16u /* so far ahead of its turn the slots of an entry are asked for */
#define PASSES_MAX (UINT64_C(1) << 20)
#define SMALL_SET_SLOTS (UINT64_C(1) << 16)
#define SECTOR_ENTRIES (SNAP_SECTOR_BYTES / SNAP_ENTRY_BYTES)
#define LEAST_SHARE 16u  /* of the memory, for each set */

/* What one set would have to hold, as the first walk sees it; it goes on to the end where memory runs out. */
struct wanted {
    uint64_t numbers, last;
    uint64_t added;       /* of them, before memory ran out */
    uint64_t steps;       /* numbers that do not share the slot of the one before: no more slots than that are needed */
};

struct snap_duplicates {
    const struct snap_store *store;
    uint64_t origin_chunks, memory_bytes;
    struct snap_chunkset *olds, *news;
    struct wanted wanted_olds, wanted_news;
    bool divided;                   /* the first walk is over: nothing is counted any more */
    struct snap_repeats_numbers repeated_olds, repeated_news;
    struct snap_repeated *repeated; /* the caller's; NULL: not wanted */
    uint64_t canonical_end;         /* the first entries all have their canonical chunk: all data chunks below this */
    bool canonical;                 /* all entries so far; their chunks need no set */
    uint64_t passes, pass;          /* this pass looks at one share of the numbers */
    bool short_of_memory;
    uint64_t continuation_entries;  /* the least that any pass found */
    bool dead;                      /* the list uses the data chunk of the first entry behind its end */
    bool rest_is_zero;              /* of the area with the end, from the end on */
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
        snap_repeats_numbers_init(&sets->repeated_olds, filter_bytes);
        snap_repeats_numbers_init(&sets->repeated_news, filter_bytes);
        sets->store = store;
        sets->origin_chunks = origin_chunks;
        sets->memory_bytes = memory_bytes;
        sets->passes = 1;
        sets->continuation_entries = UINT64_MAX;
        sets->canonical = sets->rest_is_zero = true;
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

static bool in_this_pass(const struct snap_duplicates *sets, const struct snap_chunkset *set, uint64_t chunk)
{
    return !sets->short_of_memory && (sets->passes == 1 || snap_chunkset_share(set, chunk, sets->passes) == sets->pass);
}

/* Adds the number if it belongs to this pass; notes where memory is short. Tells whether it was there. */
static bool add(struct snap_duplicates *sets, struct snap_chunkset *set, uint64_t chunk)
{
    bool was_there = false;

    if (!in_this_pass(sets, set, chunk))
        return false;
    sets->short_of_memory = snap_chunkset_add(set, chunk, &was_there) != SNAP_OK;
    return was_there;
}

void snap_duplicates_note_repeated(struct snap_duplicates *sets, struct snap_repeated *repeated)
{
    sets->repeated = repeated;
}

static void count_wanted(const struct snap_duplicates *sets, struct wanted *wanted, uint64_t chunk)
{
    const uint64_t slot = chunk / SNAP_CHUNKSET_SLOT_CHUNKS;

    if (sets->divided)
        return;
    wanted->steps += wanted->numbers == 0 || slot != wanted->last;
    wanted->last = slot;
    wanted->numbers++;
    wanted->added += !sets->short_of_memory;
}

/*
 * Whether a data chunk was used before; adds it. While all entries have their canonical chunk none can repeat, and all
 * data chunks below canonical_end are in use: the set only holds those that come behind the first exception.
 */
static bool add_new(struct snap_duplicates *sets, uint64_t index, uint64_t new_chunk)
{
    if (sets->canonical && new_chunk == snap_layout_canonical_chunk(&sets->store->layout, index)) {
        sets->canonical_end = new_chunk + 1;
        return false;
    }
    sets->canonical = false;
    if (new_chunk < sets->canonical_end)
        return sets->pass == 0; /* every pass sees this one; the first reports it */
    count_wanted(sets, &sets->wanted_news, new_chunk);
    return add(sets, sets->news, new_chunk);
}

/* An entry that will be fed soon: sets that are larger than the processor's caches wait for memory otherwise. */
static void expect(const struct snap_duplicates *sets, const struct snap_span *span, uint32_t i)
{
    if (in_this_pass(sets, sets->olds, snap_span_old(span, i)))
        snap_chunkset_expect(sets->olds, snap_span_old(span, i));
    if (!sets->canonical && in_this_pass(sets, sets->news, snap_span_new(span, i)))
        snap_chunkset_expect(sets->news, snap_span_new(span, i));
}

void snap_duplicates_feed(struct snap_duplicates *sets, const struct snap_span *span)
{
    const struct snap_layout *layout = &sets->store->layout;

    for (uint32_t i = 0; i < span->live; i++) {
        const uint64_t old_chunk = snap_span_old(span, i);
        const uint64_t new_chunk = snap_span_new(span, i);

        if (i + EXPECTED_ENTRIES < span->live)
            expect(sets, span, i + EXPECTED_ENTRIES);
        if (old_chunk < sets->origin_chunks) {
            count_wanted(sets, &sets->wanted_olds, old_chunk);
            if (add(sets, sets->olds, old_chunk))
                snap_repeats_numbers_note(&sets->repeated_olds, old_chunk);
        }
        if (!snap_layout_is_data_chunk(layout, new_chunk))
            sets->canonical = false; /* from here on its canonical chunk is free */
        else if (add_new(sets, span->first_index + i, new_chunk))
            snap_repeats_numbers_note(&sets->repeated_news, new_chunk);
    }
    if (span->live < span->slots && sets->rest_is_zero)
        sets->rest_is_zero = snap_all_zero(span->bytes + (size_t)span->live * SNAP_ENTRY_BYTES,
                                           (uint64_t)(span->slots - span->live) * SNAP_ENTRY_BYTES);
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

        if (new_chunk != snap_layout_canonical_chunk(&sets->store->layout, span->first_index + i) ||
            new_chunk >= sets->store->layout.cow_chunks || old_chunk >= sets->origin_chunks)
            break;
        if (snap_chunkset_has(sets->news, new_chunk)) {
            sets->dead |= i == 0 && is_first;
            break;
        }
        if (add(sets, sets->olds, old_chunk) || sets->short_of_memory)
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

/*
 * How many slots a set needs for what is wanted of it. The sure answer may be much too high. The guess may be too low:
 * it expects that the rest is like the part that was added.
 */
static uint64_t slots_needed(const struct wanted *wanted, uint64_t slots_used, bool guess)
{
    const double per_number = (double)(slots_used + 1) / (double)(wanted->added + 1);

    return guess ? snap_min(wanted->steps, (uint64_t)((double)wanted->numbers * per_number * 1.125)) : wanted->steps;
}

/* In how many passes so many slots fit. Shares differ a little, those of a small set more. */
static uint64_t passes_for(uint64_t slots, uint64_t slots_max)
{
    return snap_max(snap_div_up(slots, slots_max - slots_max / (slots_max < SMALL_SET_SLOTS ? 8 : 32)), 1);
}

/*
 * Divides the numbers among passes, and the memory between the sets. A guess comes first, then the sure answer; what is
 * behind the end of the list is in neither, so after that it is twice as many passes each time.
 */
static bool divide(struct snap_duplicates *sets, unsigned round)
{
    const uint64_t memory_bytes = sets->memory_bytes - 2 * sets->repeated_olds.filter_bytes;
    const uint64_t least_bytes = memory_bytes / LEAST_SHARE;
    const uint64_t olds = slots_needed(&sets->wanted_olds, snap_chunkset_slots(sets->olds), round == 0);
    const uint64_t news = slots_needed(&sets->wanted_news, snap_chunkset_slots(sets->news), round == 0);
    const double news_part = (double)news / ((double)olds + (double)news + 1);
    const uint64_t news_bytes = least_bytes + (uint64_t)((double)(memory_bytes - 2 * least_bytes) * news_part);

    sets->divided = true;
    (void)snap_chunkset_reserve(sets->news, 0); /* its memory is free before the other set takes more */
    if (!snap_chunkset_reserve(sets->olds, memory_bytes - news_bytes) || !snap_chunkset_reserve(sets->news, news_bytes))
        return false;
    sets->passes = snap_max(snap_max(passes_for(olds, snap_chunkset_slots_max(sets->olds)),
                                     passes_for(news, snap_chunkset_slots_max(sets->news))),
                            round >= 2 ? sets->passes * 2 : 1);
    return sets->passes <= PASSES_MAX;
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

/* What was met again, told apart and reported. The sets are no longer needed: the memory is free for the tables. */
static enum snap_status report_repeats(struct snap_duplicates *sets, const struct snap_repeats_search *search,
                                       snap_duplicate_fn fn, void *context, struct snap_duplicates_result *result,
                                       struct snap_error *err)
{
    struct snap_repeats_kinds *by_old = calloc(1, sizeof *by_old), *by_new = calloc(1, sizeof *by_new);
    struct snap_repeats_cost cost = {0};
    enum snap_status status = SNAP_OK;

    if (!by_old || !by_new)
        status = snap_fail(err, SNAP_E_NOMEM, "%s: out of memory naming duplicates", sets->store->io->name);
    if (status == SNAP_OK && sets->repeated_olds.count > 0)
        status = snap_repeats_find(search, false, &sets->repeated_olds, by_old, &cost, err);
    /* An entry that repeats another as a whole does so by its new, too: where these are all, there is no more. */
    if (status == SNAP_OK && sets->repeated_news.count != by_old->identical.count)
        status = snap_repeats_find(search, true, &sets->repeated_news, by_new, &cost, err);
    result->further_walks += cost.walks;
    result->probes += cost.probes;
    if (status == SNAP_OK) {
        result->repeated_entries = by_old->identical.count;
        result->repeated_last_chunk = by_old->identical.last_chunk_count;
        status = report(&by_old->different, SNAP_RULE_DUPLICATE_OLD, fn, context, err);
    }
    if (status == SNAP_OK)
        status = report(&by_new->different, SNAP_RULE_DUPLICATE_NEW, fn, context, err);
    if (status == SNAP_OK)
        status = report(&by_old->identical, SNAP_RULE_ENTRY_REPEATED, fn, context, err);
    if (status == SNAP_OK)
        status = report(&by_old->often, SNAP_RULE_ENTRY_REPEATED_OFTEN, fn, context, err);
    free(by_old);
    free(by_new);
    return status;
}

enum snap_status snap_duplicates_finish(struct snap_duplicates *sets, uint64_t entries, bool (*stop)(void *context),
                                        void *stop_context, snap_duplicate_fn fn, void *context,
                                        struct snap_duplicates_result *result, struct snap_error *err)
{
    const uint64_t area_behind = snap_layout_area_behind(&sets->store->layout, entries);
    const bool not_cut = entries % SECTOR_ENTRIES != 0 && sets->rest_is_zero; /* by the loss of whole sectors */
    enum snap_status status = SNAP_OK;

    *result = (struct snap_duplicates_result){.passes = 1};
    if (!sets->short_of_memory)
        status = look_behind(sets, entries, result, err);
    for (unsigned round = 0; status == SNAP_OK && sets->short_of_memory; round++)
        status = divide(sets, round)
                     ? run_passes(sets, entries, stop, stop_context, result, err)
                     : snap_fail(err, SNAP_E_NOMEM, "%s: not enough memory to look for duplicates",
                                 sets->store->io->name);
    result->probes = snap_chunkset_probes(sets->olds) + snap_chunkset_probes(sets->news);
    snap_chunkset_free(sets->olds);
    snap_chunkset_free(sets->news);
    sets->olds = sets->news = NULL;
    if (status == SNAP_OK && sets->repeated_olds.count + sets->repeated_news.count > 0) {
        const struct snap_repeats_search search = {
            .store = sets->store,
            .origin_chunks = sets->origin_chunks,
            .memory_bytes = sets->memory_bytes - snap_min(sets->memory_bytes, 2 * sets->repeated_olds.filter_bytes),
            .repeated = sets->repeated,
            .stop = stop,
            .stop_context = stop_context,
        };

        status = report_repeats(sets, &search, fn, context, result, err);
    }
    if (sets->continuation_entries == UINT64_MAX)
        sets->continuation_entries = 0;
    *(not_cut ? &result->earlier_entries : &result->continuation_entries) = sets->continuation_entries;
    result->continuation_area = result->continuation_entries > 0 ? area_behind : 0;
    result->moved_area = sets->dead ? area_behind : 0;
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

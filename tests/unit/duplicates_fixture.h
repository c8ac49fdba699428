/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Searches lists for what is used twice, as a caller does, and as naively as can be: for the tests of duplicates. */
#ifndef DMSNAP_TESTS_DUPLICATES_FIXTURE_H
#define DMSNAP_TESTS_DUPLICATES_FIXTURE_H

#include "lib/check/duplicates.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#define MIB (UINT64_C(1) << 20)
#define LITTLE (UINT64_C(64) << 10) /* so little memory that some thousand numbers need several passes */
#define PAGE UINT64_C(4096) /* numbers this far apart share no slot of a set */
#define ROOM 32768u
#define ANY_ORIGIN UINT64_MAX

struct reports {
    size_t count;
    struct {
        enum snap_rule rule;
        struct snap_duplicate duplicate;
    } at[ROOM];
    uint64_t fail_at; /* this report returns SNAP_E_REFUSED; counted from 1 */
};

static inline enum snap_status collect(void *context, enum snap_rule rule, const struct snap_duplicate *duplicate,
                                       struct snap_error *err)
{
    struct reports *reports = context;

    assert_true(reports->count < ROOM);
    reports->at[reports->count].rule = rule;
    reports->at[reports->count++].duplicate = *duplicate;
    return reports->count == reports->fail_at ? snap_fail(err, SNAP_E_REFUSED, "enough") : SNAP_OK;
}

static inline bool stop_now(void *context)
{
    uint64_t *polls = context;

    return *polls == 0 || --*polls == 0;
}

/* The whole search, as a caller does it. `polls` (NULL: never) is how often stop is asked until it says yes. */
static inline enum snap_status search(struct snap_io *io, uint64_t origin_chunks, uint64_t memory_bytes,
                                      uint64_t *polls, struct reports *reports, struct snap_duplicates_result *result,
                                      struct snap_error *err)
{
    struct snap_store store = list_open(io);
    struct snap_list_walk *walk;
    struct snap_duplicates *sets;
    struct snap_span span;
    uint64_t entries = 0;
    enum snap_status status;

    assert_ok(snap_duplicates_new(&sets, &store, origin_chunks, memory_bytes, err), err);
    assert_ok(snap_list_walk_open(&walk, &store, err), err);
    do {
        assert_ok(snap_list_walk_next(walk, &span, err), err);
        snap_duplicates_feed(sets, &span);
        entries += span.live;
    } while (span.slots > 0);
    snap_list_walk_close(walk);
    status = snap_duplicates_finish(sets, entries, polls ? stop_now : NULL, polls, collect, reports, result, err);
    snap_duplicates_free(sets);
    return status;
}

static inline struct snap_duplicates_result found(struct snap_io *io, uint64_t origin_chunks, uint64_t memory_bytes,
                                            struct reports *reports)
{
    struct snap_error err = {.text = ""};
    struct snap_duplicates_result result;

    memset(reports, 0, sizeof *reports);
    assert_ok(search(io, origin_chunks, memory_bytes, NULL, reports, &result, &err), &err);
    return result;
}

/*
 * What rule duplicate-old and rule duplicate-new say of these entries, found by comparing each with all before it. An
 * entry that is the same as the first one with its old is repeated, and no duplicate.
 */
static inline void naive(const struct snap_entry *entries, uint64_t count, uint32_t chunk_sectors,
                         uint64_t origin_chunks, uint64_t cow_chunks, struct reports *reports)
{
    static const enum snap_rule rules[] = {SNAP_RULE_DUPLICATE_OLD, SNAP_RULE_DUPLICATE_NEW, SNAP_RULE_ENTRY_REPEATED};

    memset(reports, 0, sizeof *reports);
    for (int which = 0; which < 3; which++) {
        for (uint64_t i = 0; i < count; i++) {
            const bool by_new = which == 1;
            const bool old_fits = entries[i].old_chunk < origin_chunks;
            const bool new_fits = entries[i].new_chunk < cow_chunks &&
                                  entries[i].new_chunk % (format_per_area(chunk_sectors) + 1) != 1;
            uint64_t first = 0;
            bool same;

            if (!(by_new ? new_fits : old_fits))
                continue;
            while (by_new ? entries[first].new_chunk != entries[i].new_chunk
                          : entries[first].old_chunk != entries[i].old_chunk)
                first++;
            same = old_fits && new_fits && memcmp(&entries[first], &entries[i], sizeof entries[i]) == 0;
            if (first == i || same != (which == 2))
                continue;
            reports->at[reports->count].rule = rules[which];
            reports->at[reports->count++].duplicate =
                (struct snap_duplicate){i, first, entries[i].old_chunk, entries[i].new_chunk};
        }
    }
}

static inline void assert_reports(const struct reports *got, const struct reports *expected)
{
    assert_int_equal(got->count, expected->count);
    for (size_t i = 0; i < got->count; i++) {
        assert_int_equal(got->at[i].rule, expected->at[i].rule);
        assert_int_equal(got->at[i].duplicate.index, expected->at[i].duplicate.index);
        assert_int_equal(got->at[i].duplicate.first_index, expected->at[i].duplicate.first_index);
        assert_int_equal(got->at[i].duplicate.old_chunk, expected->at[i].duplicate.old_chunk);
        assert_int_equal(got->at[i].duplicate.new_chunk, expected->at[i].duplicate.new_chunk);
    }
}

#endif

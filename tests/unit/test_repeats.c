/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests entries that occur more than once, the same each time: notes, and told apart from duplicates at any number. */
#include "lib/check/repeats_private.h"
#include "tests/support/io_fault.h"
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/check_fixture.h"
#include "tests/unit/duplicates_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/unit.h"

static struct reports reports, expected;
static struct checked checked;

static struct {
    uint64_t olds, news, repeated;
} counts;

static void count_reports(void)
{
    memset(&counts, 0, sizeof counts);
    for (size_t i = 0; i < reports.count; i++) {
        counts.olds += reports.at[i].rule == SNAP_RULE_DUPLICATE_OLD;
        counts.news += reports.at[i].rule == SNAP_RULE_DUPLICATE_NEW;
        counts.repeated += reports.at[i].rule == SNAP_RULE_ENTRY_REPEATED;
    }
}

static const struct snap_duplicate *first_of(enum snap_rule rule)
{
    for (size_t i = 0; i < reports.count; i++)
        if (reports.at[i].rule == rule)
            return &reports.at[i].duplicate;
    fail_msg("nothing of %s", snap_rules_info(rule)->id);
    return NULL;
}

/* A sound list of `count` entries whose olds share no page of a set with each other. */
static struct list_virtual *wide_list(uint64_t count)
{
    struct list_virtual *list = list_virtual_new(8, count);

    for (uint64_t i = 0; i < count; i++)
        list->entries[i].old_chunk = i * PAGE;
    return list;
}

/* The last `moved` entries of [first, end) once more at its start: the first step of a move (rule entry-repeated). */
static void move(struct snap_entry *entries, uint64_t first, uint64_t end, uint64_t moved)
{
    for (uint64_t i = 0; i < moved; i++)
        entries[first + i] = entries[end - moved + i];
}

static void each_is_reported_once_as_a_note(void **state)
{
    static const uint64_t moves[][3] = {{0, 2, 1},     {31, 300, 2},  {30, 300, 5},
                                        {255, 290, 2}, {254, 299, 5}, {5, 205, 100}};

    (void)state;
    for (size_t m = 0; m < sizeof moves / sizeof moves[0]; m++) {
        const uint64_t first = moves[m][0], end = moves[m][1], moved = moves[m][2];
        struct list_virtual *list = wide_list(300);
        struct snap_duplicates_result result;

        move(list->entries, first, end, moved);
        result = found(&list->io, ANY_ORIGIN, MIB, &reports);
        assert_int_equal(reports.count, moved);
        assert_int_equal(result.repeated_entries, moved);
        assert_int_equal(result.further_walks, 1);
        for (uint64_t i = 0; i < moved; i++) {
            assert_int_equal(reports.at[i].rule, SNAP_RULE_ENTRY_REPEATED);
            assert_int_equal(reports.at[i].duplicate.index, end - moved + i);
            assert_int_equal(reports.at[i].duplicate.first_index, first + i);
            assert_int_equal(reports.at[i].duplicate.old_chunk, list->entries[first + i].old_chunk);
            assert_int_equal(reports.at[i].duplicate.new_chunk, list->entries[first + i].new_chunk);
        }
        list_close(&list->io);
    }
    assert_int_equal(snap_rules_info(SNAP_RULE_ENTRY_REPEATED)->severity, SNAP_NOTE);
    assert_string_equal(snap_rules_info(SNAP_RULE_ENTRY_REPEATED)->repair, "view-kept");
}

static void several_are_one_less(void **state)
{
    (void)state;
    for (uint64_t times = 2; times <= 16; times += 7) {
        struct list_virtual *list = wide_list(300);

        for (uint64_t i = 1; i < times; i++)
            list->entries[100 + 9 * i] = list->entries[100];
        (void)found(&list->io, ANY_ORIGIN, MIB, &reports);
        count_reports();
        assert_int_equal(reports.count, times - 1);
        assert_int_equal(counts.repeated, times - 1);
        assert_int_equal(reports.at[times - 2].duplicate.first_index, 100);
        list_close(&list->io);
    }
}

/* Both sides of the limit: one finding that is corrupting for each such entry, beside the notes. */
static void more_copies_than_moves_leave_are_corrupting(void **state)
{
    (void)state;
    for (uint64_t times = 15; times <= 60; times += times < 18 ? 1 : 40) {
        for (uint64_t memory_bytes = LITTLE; memory_bytes <= MIB; memory_bytes *= 16) {
            struct list_virtual *list = wide_list(300);
            const uint64_t often = times > SNAP_DUPLICATES_COPIES_MAX ? 2 : 0;

            for (uint64_t i = 1; i < times; i++)
                for (uint64_t k = 0; k < 2; k++)
                    list->entries[100 + 3 * i + k] = list->entries[100 + k];
            (void)found(&list->io, ANY_ORIGIN, memory_bytes, &reports);
            count_reports();
            assert_int_equal(counts.repeated, 2 * (times - 1));
            assert_int_equal(reports.count, 2 * (times - 1) + often);
            for (uint64_t k = 0; k < often; k++) {
                const struct snap_duplicate *last = &reports.at[reports.count - 2 + k].duplicate;

                assert_int_equal(reports.at[reports.count - 2 + k].rule, SNAP_RULE_ENTRY_REPEATED_OFTEN);
                assert_int_equal(last->first_index, 100 + k);
                assert_int_equal(last->index, 100 + 3 * SNAP_DUPLICATES_COPIES_MAX + k);
            }
            list_close(&list->io);
        }
    }
    assert_int_equal(snap_rules_info(SNAP_RULE_ENTRY_REPEATED_OFTEN)->severity, SNAP_CORRUPTING);
}

/* A merge is told where each of them comes first. */
static void where_they_come_first_is_noted(void **state)
{
    struct snap_check_options noting = {.memory_bytes = MIB, .repeated = snap_repeated_new(MIB)};
    struct list_virtual *list = wide_list(300);

    (void)state;
    for (uint64_t i = 1; i < 4; i++)
        list->entries[100 + 50 * i] = list->entries[100];
    must(check_run(&list->io, &noting, &checked));
    for (uint64_t index = 0; index < 300; index++)
        assert_int_equal(snap_repeated_earlier(noting.repeated, list->entries[index].old_chunk, index),
                         index > 100 && index % 50 == 0);
    snap_repeated_free(noting.repeated);
    list_close(&list->io);
}

/* Twice the same and once another: whatever comes first, something of it is corrupting. */
static void another_one_among_them_is_a_duplicate(void **state)
{
    static const uint64_t places[] = {50, 120, 280};

    (void)state;
    for (size_t other = 0; other < 3; other++) {
        for (int by_new = 0; by_new < 2; by_new++) {
            struct list_virtual *list = wide_list(300);
            const struct snap_entry same = {500 * PAGE, format_canonical(8, 295)};
            const struct snap_entry differs = by_new ? (struct snap_entry){501 * PAGE, same.new_chunk}
                                                     : (struct snap_entry){same.old_chunk, format_canonical(8, 296)};

            list->count = 290; /* the data chunks behind belong to nobody else */
            for (size_t i = 0; i < 3; i++)
                list->entries[places[i]] = i == other ? differs : same;
            (void)found(&list->io, ANY_ORIGIN, MIB, &reports);
            naive(list->entries, list->count, 8, ANY_ORIGIN, list->io.size_bytes / 4096, &expected);
            assert_reports(&reports, &expected);
            count_reports();
            assert_int_equal(by_new ? counts.olds : counts.news, 0);
            assert_int_equal(by_new ? counts.news : counts.olds, other == 0 ? 2 : 1);
            assert_int_equal(counts.repeated, by_new || other > 0);
            list_close(&list->io);
        }
    }
}

static void what_is_out_of_range_is_no_repeated_entry(void **state)
{
    struct snap_io *io = list_new(1, 400);

    (void)state;
    list_put_canonical(io, 1, 0, 100, 0, 1);
    for (uint64_t i = 10; i < 12; i++) {
        list_put(io, 1, i, 5000, format_canonical(1, 10)); /* beyond the origin */
        list_put(io, 1, i + 10, 4000, 400);              /* beyond the COW */
        list_put(io, 1, i + 20, 4001, 34);               /* on area 1 */
    }
    (void)found(io, 5000, MIB, &reports);
    count_reports();
    assert_int_equal(counts.repeated, 0);
    assert_int_equal(counts.olds, 2);
    assert_int_equal(counts.news, 1);
    list_close(io);
}

static void random_moves_are_judged_as_naively(void **state)
{
    static struct snap_entry entries[500];
    uint64_t seed = 5, noted = 0;

    (void)state;
    for (unsigned round = 0; round < 400; round++) {
        const uint64_t count = unit_random(&seed, 300) + 2;
        struct snap_io *io = list_new(1, 350);

        for (uint64_t i = 0; i < count; i++)
            entries[i] = (struct snap_entry){i * 4, format_canonical(1, i)};
        for (uint64_t copies = unit_random(&seed, 40); copies > 0; copies--)
            entries[unit_random(&seed, count)] = entries[unit_random(&seed, count)];
        for (uint64_t errors = round % 2 * unit_random(&seed, 30); errors > 0; errors--) {
            const uint64_t at = unit_random(&seed, count);

            if (unit_random(&seed, 2) == 0)
                entries[at].old_chunk = unit_random(&seed, 2000);
            else
                entries[at].new_chunk = unit_random(&seed, 360) + 1;
        }
        for (uint64_t i = 0; i < count; i++)
            list_put(io, 1, i, entries[i].old_chunk, entries[i].new_chunk);
        (void)found(io, 1400, MIB, &reports);
        naive(entries, count, 1, 1400, 350, &expected);
        assert_reports(&reports, &expected);
        count_reports();
        noted += counts.repeated;
        assert_true(round % 2 || counts.repeated == reports.count);
        list_close(io);
    }
    assert_true(noted > 2000);
}

/* Far more than get a name, a few duplicates of each kind behind them, whatever the memory. */
static void thousands_are_counted_by_kind(void **state)
{
    static const uint64_t memories[] = {64 * MIB, 4 * MIB, MIB};
    enum { MOVED = 30000, ENTRIES = 70000 };

    (void)state;
    for (size_t m = 0; m < sizeof memories / sizeof memories[0]; m++) {
        struct list_virtual *list = wide_list(ENTRIES);
        struct snap_duplicates_result result;

        for (uint64_t i = 0; memories[m] == MIB && i < ENTRIES; i++)
            list->entries[i].old_chunk = i; /* so that the sets do not take a hundred passes */
        move(list->entries, 1000, ENTRIES, MOVED);
        list->entries[ENTRIES - 5].old_chunk = list->entries[3].old_chunk;
        list->entries[ENTRIES - 4].old_chunk = list->entries[4].old_chunk;
        list->entries[ENTRIES - 4].new_chunk = list->entries[999].new_chunk;
        result = found(&list->io, ANY_ORIGIN, memories[m], &reports);
        count_reports();
        assert_int_equal(counts.repeated, MOVED - 2);
        assert_int_equal(result.repeated_entries, MOVED - 2);
        assert_int_equal(counts.olds, 2);
        assert_int_equal(counts.news, 2); /* entry - 5 has still the data chunk of the moved one */
        assert_int_equal(first_of(SNAP_RULE_DUPLICATE_OLD)->index, ENTRIES - 5);
        assert_int_equal(first_of(SNAP_RULE_DUPLICATE_OLD)->first_index, 3);
        assert_int_equal(first_of(SNAP_RULE_DUPLICATE_NEW)->index, ENTRIES - 5);
        assert_int_equal(first_of(SNAP_RULE_DUPLICATE_NEW)->first_index, 1000 + MOVED - 5);
        for (uint64_t i = 0; i < SNAP_DUPLICATES_NAMED; i++) { /* the first ones, though in several walks */
            assert_int_equal(reports.at[4 + i].rule, SNAP_RULE_ENTRY_REPEATED);
            assert_int_equal(reports.at[4 + i].duplicate.index, ENTRIES - MOVED + i);
            assert_int_equal(reports.at[4 + i].duplicate.first_index, 1000 + i);
        }
        assert_true(memories[m] == MIB ? result.further_walks > 3 : result.further_walks == 2);
        list_close(&list->io);
    }
}

static void the_memory_is_a_bound(void **state)
{
    static const uint64_t memories[] = {8 * MIB, MIB};

    (void)state;
    for (size_t m = 0; m < sizeof memories / sizeof memories[0]; m++) {
        struct list_virtual *list = list_virtual_new(8, 400000);
        const uint64_t before_bytes = alloc.live_bytes;
        struct snap_duplicates_result result;

        for (uint64_t i = 0; i < list->count; i++)
            list->entries[i].old_chunk = i * 7919 % list->count;
        move(list->entries, 50000, list->count, 30000);
        alloc_mark();
        result = found(&list->io, ANY_ORIGIN, memories[m], &reports);
        assert_int_equal(result.repeated_entries, 30000);
        assert_true(result.further_walks > 1 || memories[m] > MIB);
        assert_in_range(alloc.peak_bytes - before_bytes, 0, memories[m] + 9 * MIB); /* and what reading a list takes */
        assert_int_equal(alloc.live_bytes, before_bytes);
        list_close(&list->io);
    }
}

/* Without memory for the filter every number is looked at; without memory for more, the search fails. */
static void no_allocation_can_fail_unnoticed(void **state)
{
    struct list_virtual *list = wide_list(300);
    struct snap_store store = list_open(&list->io);
    uint64_t failures = 0, k = 0, calls;

    (void)state;
    move(list->entries, 100, 300, 50);
    list->entries[299].old_chunk = list->entries[5].old_chunk;
    naive(list->entries, list->count, 8, ANY_ORIGIN, list->io.size_bytes / 4096, &expected);
    do {
        const uint64_t before_bytes = alloc.live_bytes;
        const struct snap_check_options options = {.memory_bytes = MIB};
        struct snap_findings findings = {0};
        struct snap_check_result result;
        struct snap_error err = {.text = ""};
        enum snap_status status;

        alloc_fail_at(++k, false);
        status = snap_check(&store, &options, &findings, &result, &err);
        calls = alloc.calls;
        alloc_fail_at(0, false);
        assert_int_equal(alloc.live_bytes, before_bytes);
        failures += status != SNAP_OK;
        if (status == SNAP_OK) {
            assert_int_equal(findings.rule_counts[SNAP_RULE_ENTRY_REPEATED], 49);
            assert_int_equal(findings.rule_counts[SNAP_RULE_DUPLICATE_OLD], 1);
            assert_int_equal(findings.rule_counts[SNAP_RULE_DUPLICATE_NEW], 1);
        } else {
            assert_int_equal(status, SNAP_E_NOMEM);
            assert_int_equal(err.status, SNAP_E_NOMEM);
        }
    } while (k <= calls);
    assert_true(failures > 15);
    list_close(&list->io);
}

/* Whoever changes the list between two walks gets no verdict from half of each. */
static void a_list_that_changes_fails(void **state)
{
    struct list_virtual *list = wide_list(300);
    struct snap_error err = {.text = ""};
    struct snap_store store = list_open(&list->io);
    struct snap_duplicates_result result;
    struct snap_list_walk *walk;
    struct snap_duplicates *sets;
    struct snap_span span;

    (void)state;
    move(list->entries, 100, 300, 5);
    assert_ok(snap_duplicates_new(&sets, &store, ANY_ORIGIN, MIB, &err), &err);
    assert_ok(snap_list_walk_open(&walk, &store, &err), &err);
    do {
        assert_ok(snap_list_walk_next(walk, &span, &err), &err);
        snap_duplicates_feed(sets, &span);
    } while (span.slots > 0);
    snap_list_walk_close(walk);
    memset(&reports, 0, sizeof reports);
    list->entries[299].old_chunk = 77777; /* no longer the one that was met again */
    assert_status(snap_duplicates_finish(sets, 300, NULL, NULL, collect, &reports, &result, &err), SNAP_E_CORRUPT,
                  &err);
    assert_int_equal(reports.count, 0);
    assert_non_null(strstr(err.text, "changed"));
    snap_duplicates_free(sets);
    list_close(&list->io);
}

/* Several walks, each of which may be the one that fails: that says nothing of the list. */
static void a_list_that_can_no_longer_be_read_fails(void **state)
{
    uint64_t reads = 0, failed = 0;

    (void)state;
    for (uint64_t at = 0; at < reads || reads == 0; at = at > 0 ? at + 1 + reads / 40 : reads / 2) {
        struct list_virtual *list = wide_list(20000);
        struct snap_error err = {.text = ""};
        struct snap_duplicates_result result;
        struct snap_io *io;
        enum snap_status status;

        move(list->entries, 3000, 20000, 4000);
        io = io_fault_new(&list->io, NULL);
        if (at > 0) /* the first time they are only counted; the first walk is another one's */
            io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .at = at, .from_then_on = true});
        memset(&reports, 0, sizeof reports);
        status = search(io, ANY_ORIGIN, LITTLE, NULL, &reports, &result, &err);
        if (at > 0)
            assert_status(status, SNAP_E_IO, &err);
        else
            assert_ok(status, &err);
        assert_true(at == 0 || reports.count == 0);
        assert_true(result.further_walks > 2 || at > 0);
        reads = at > 0 ? reads : io_fault_count(io, IO_FAULT_READ);
        failed += at > 0;
        list_close(io);
    }
    assert_true(failed > 10);
}

static void a_stop_ends_the_further_walks(void **state)
{
    struct list_virtual *list = wide_list(300);
    struct snap_error err = {.text = ""};
    struct snap_duplicates_result result;
    uint64_t polls = 1;

    (void)state;
    move(list->entries, 100, 300, 5);
    memset(&reports, 0, sizeof reports);
    assert_status(search(&list->io, ANY_ORIGIN, MIB, &polls, &reports, &result, &err), SNAP_E_STOPPED, &err);
    assert_int_equal(reports.count, 0);
    list_close(&list->io);
}

static void a_list_without_any_is_not_walked_again(void **state)
{
    struct list_virtual *list = wide_list(300);

    (void)state;
    assert_int_equal(found(&list->io, ANY_ORIGIN, MIB, &reports).further_walks, 0);
    list->entries[200].old_chunk = list->entries[100].old_chunk;
    assert_int_equal(found(&list->io, ANY_ORIGIN, MIB, &reports).further_walks, 1);
    list_close(&list->io);
}

/* So many slots, of which three quarters are used, whatever a slot takes. */
#define TABLE_BYTES(slots) (UINT64_C(24) * (slots))

/* Each of `numbers` origin chunks `times` times, all of them in turn, and what a first walk notes of that. */
static struct list_virtual *in_turn(uint64_t numbers, uint64_t times, struct snap_repeats_numbers *noted)
{
    struct list_virtual *list = wide_list(numbers * times);

    snap_repeats_numbers_init(noted, 1 << 20);
    for (uint64_t i = numbers; i < numbers * times; i++) {
        list->entries[i] = list->entries[i % numbers];
        snap_repeats_numbers_note(noted, list->entries[i].old_chunk);
    }
    return list;
}

/* A table that is too small for all is used for a half, then a quarter of the numbers, and not for less. */
static void shares_are_as_large_as_the_table(void **state)
{
    static struct snap_repeats_kinds kinds;
    struct snap_repeats_numbers noted;
    struct list_virtual *list = in_turn(1650, 2, &noted);
    struct snap_store store = list_open(&list->io);
    const struct snap_repeats_search search = {
        .store = &store, .origin_chunks = ANY_ORIGIN, .memory_bytes = TABLE_BYTES(1024)};
    struct snap_repeats_cost cost = {0};
    struct snap_error err = {.text = ""};

    (void)state;
    assert_ok(snap_repeats_find(&search, false, &noted, &kinds, &cost, &err), &err);
    assert_int_equal(kinds.identical.count, 1650);
    assert_in_range(cost.walks, 1 + 1 + 4, 1 + 2 + 4); /* all, then a half, fill it; then one for each quarter */
    snap_repeats_numbers_free(&noted);
    list_close(&list->io);
}

/* Of the entries with too many copies those that come first are named, in their order, though each walk finds a few. */
static void the_first_with_too_many_copies_are_named(void **state)
{
    enum { NUMBERS = 300, COPIES = SNAP_DUPLICATES_COPIES_MAX + 3 };
    static struct snap_repeats_kinds kinds;
    struct snap_repeats_numbers noted;
    struct list_virtual *list = in_turn(NUMBERS, COPIES, &noted);
    struct snap_store store = list_open(&list->io);
    const struct snap_repeats_search search = {
        .store = &store, .origin_chunks = ANY_ORIGIN, .memory_bytes = TABLE_BYTES(64)};
    struct snap_repeats_cost cost = {0};
    struct snap_error err = {.text = ""};

    (void)state;
    assert_ok(snap_repeats_find(&search, false, &noted, &kinds, &cost, &err), &err);
    assert_true(cost.walks > 8);
    assert_int_equal(kinds.identical.count, NUMBERS * (COPIES - 1));
    assert_int_equal(kinds.often.count, NUMBERS);
    for (uint64_t i = 0; i < SNAP_DUPLICATES_NAMED; i++) {
        assert_int_equal(kinds.often.named[i].index, NUMBERS * SNAP_DUPLICATES_COPIES_MAX + i);
        assert_int_equal(kinds.often.named[i].first_index, i);
    }
    snap_repeats_numbers_free(&noted);
    list_close(&list->io);
}

/* One repetition more than was noted: somebody has added it since. */
static void a_list_that_repeats_more_than_before_fails(void **state)
{
    static struct snap_repeats_kinds kinds;
    struct snap_repeats_numbers noted;
    struct list_virtual *list = in_turn(100, 2, &noted);
    struct snap_store store = list_open(&list->io);
    const struct snap_repeats_search search = {
        .store = &store, .origin_chunks = ANY_ORIGIN, .memory_bytes = TABLE_BYTES(1024)};
    struct snap_repeats_cost cost = {0};
    struct snap_error err = {.text = ""};

    (void)state;
    noted.count--;
    assert_status(snap_repeats_find(&search, false, &noted, &kinds, &cost, &err), SNAP_E_CORRUPT, &err);
    assert_non_null(strstr(err.text, "changed"));
    snap_repeats_numbers_free(&noted);
    list_close(&list->io);
}

/* Length, runs and usage are of the list as it stands; the bytes to merge and the leaks count each entry once. */
static void the_figures_make_sense(void **state)
{
    const struct snap_check_options options = {.origin_sectors = 999 * 8 + 3, .memory_bytes = MIB};
    struct snap_io *io = list_new(8, 800 * 8);

    (void)state;
    list_put_canonical(io, 8, 0, 300, 10, 1);
    list_put(io, 8, 299, 999, format_canonical(8, 299)); /* three sectors of it are on the origin */
    for (uint64_t i = 0; i < 3; i++)
        list_put(io, 8, 200 + i, i < 2 ? 307 + i : 999, format_canonical(8, 297 + i));
    list_put(io, 8, 250, 999, format_canonical(8, 299));
    assert_ok(check_run(io, &options, &checked), &checked.err);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_ENTRY_REPEATED], 4);
    assert_int_equal(checked.findings.severity_counts[SNAP_NOTE], checked.count);
    assert_int_equal(checked.result.entries, 300);
    assert_int_equal(checked.result.repeated_entries, 4);
    assert_int_equal(checked.result.merge_bytes, 295 * 4096 + 3 * 512);
    assert_false(checked.result.canonical);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_ENTRY_ORDER], 1);
    assert_int_equal(checked.findings.rule_counts[SNAP_RULE_LEAKED_CHUNKS], 1);
    assert_int_equal(checked.result.highest_new_chunk, format_canonical(8, 299));
    assert_int_equal(checked.result.usage.allocated_sectors, (format_canonical(8, 299) + 1) * 8);
    for (size_t i = 0; i < checked.count; i++) {
        if (checked.at[i].rule == SNAP_RULE_LEAKED_CHUNKS)
            assert_non_null(strstr(checked.at[i].text, "4 data chunks"));
        if (checked.at[i].rule == SNAP_RULE_ENTRY_REPEATED && checked.at[i].index == 297) {
            assert_int_equal(checked.at[i].area, 1);
            assert_int_equal(checked.at[i].slot, 41);
            assert_int_equal(checked.at[i].old_chunk, 307);
            assert_non_null(strstr(checked.at[i].text, "area 0 slot 200"));
        }
    }
    list_close(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_is_reported_once_as_a_note),
        cmocka_unit_test(several_are_one_less),
        cmocka_unit_test(more_copies_than_moves_leave_are_corrupting),
        cmocka_unit_test(where_they_come_first_is_noted),
        cmocka_unit_test(another_one_among_them_is_a_duplicate),
        cmocka_unit_test(what_is_out_of_range_is_no_repeated_entry),
        cmocka_unit_test(random_moves_are_judged_as_naively),
        cmocka_unit_test(thousands_are_counted_by_kind),
        cmocka_unit_test(the_memory_is_a_bound),
        cmocka_unit_test(no_allocation_can_fail_unnoticed),
        cmocka_unit_test(a_list_that_changes_fails),
        cmocka_unit_test(a_list_that_can_no_longer_be_read_fails),
        cmocka_unit_test(a_stop_ends_the_further_walks),
        cmocka_unit_test(a_list_without_any_is_not_walked_again),
        cmocka_unit_test(shares_are_as_large_as_the_table),
        cmocka_unit_test(the_first_with_too_many_copies_are_named),
        cmocka_unit_test(a_list_that_repeats_more_than_before_fails),
        cmocka_unit_test(the_figures_make_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

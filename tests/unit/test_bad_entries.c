/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that could not be copied: which are taken, and how they move to the front of their window. */
#include "lib/merge/bad_entries_private.h"

#include "tests/support/io_record.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#define COUNT 150u /* entries in the areas 0 to 2, of 64 each; an area has two atomic units of 32 */

struct bench {
    struct fixture fixture;
    struct recorder *recorder;
    struct snap_io *cow;
    struct snap_store store;
    struct snap_plan plan;
    struct snap_bad_entries bad;
    struct snap_list_cut_counts counts;
};

static struct bench *bench_new(void)
{
    struct bench *bench = fixture_alloc(1, sizeof *bench);

    bench->fixture = fixture_random_store(9, 2, COUNT, 701, true);
    bench->recorder = recorder_new();
    bench->cow = io_record_new(bench->recorder, "cow", bench->fixture.cow, bench->fixture.cow_bytes, 512, true);
    must(snap_header_open(&bench->store, bench->cow, NULL));
    must(snap_plan_init(&bench->plan, &bench->store.layout, SNAP_PLAN_MERGE, COUNT, NULL));
    recorder_log_clear(bench->recorder);
    return bench;
}

static void bench_free(struct bench *bench)
{
    snap_bad_entries_free(&bench->bad);
    snap_plan_free(&bench->plan);
    must(snap_io_close(bench->cow, NULL));
    recorder_free(bench->recorder);
    fixture_free(&bench->fixture);
    free(bench);
}

/* A load of the entries [first, end), of which those at the indices of `bad` get this fate. */
static void load(struct bench *bench, uint64_t first, uint64_t end, const uint64_t *bad, size_t bad_count,
                 enum snap_plan_fate fate)
{
    snap_plan_make(&bench->plan, bench->fixture.entries + first, end - first, 0, 1024, 701);
    for (size_t i = 0; i < bad_count; i++) {
        const uint64_t old_chunk = bench->fixture.entries[bad[i]].old_chunk;

        snap_plan_mark_range(&bench->plan, old_chunk * 1024, old_chunk * 1024 + 512, fate);
    }
}

static void take(struct bench *bench, uint64_t first, uint64_t end, const uint64_t *bad, size_t bad_count,
                 enum snap_plan_fate fate)
{
    load(bench, first, end, bad, bad_count, fate);
    must(snap_bad_entries_take(&bench->bad, &bench->plan, fate, NULL));
}

static void expect_log(struct bench *bench, const char *expected)
{
    char *text = recorder_log_text(bench->recorder, false);

    assert_string_equal(text, expected);
    free(text);
    recorder_log_clear(bench->recorder);
}

/* The entry in this slot of the COW is, as a whole, what the list had at `index` in the beginning. */
static void expect_slot(const struct bench *bench, uint64_t slot, uint64_t index)
{
    uint8_t *cow = fixture_recorded(bench->recorder, "cow");
    struct snap_entry entry;

    snap_codec_decode_entry(cow + format_entry_offset(2, slot), &entry);
    assert_int_equal(entry.old_chunk, bench->fixture.entries[index].old_chunk);
    assert_int_equal(entry.new_chunk, bench->fixture.entries[index].new_chunk);
    free(cow);
}

/* Only what has the fate is taken, with its place and its reason; the origin ends inside of its last chunk. */
static void test_take(void **state)
{
    static const enum snap_plan_fate fates[] = {SNAP_PLAN_UNREADABLE, SNAP_PLAN_UNWRITABLE, SNAP_PLAN_UNKEPT};
    static const enum snap_merge_bad_reason reasons[] = {SNAP_MERGE_BAD_UNREADABLE, SNAP_MERGE_BAD_UNWRITABLE,
                                                         SNAP_MERGE_BAD_UNKEPT};

    (void)state;
    for (int f = 0; f < 3; f++) {
        struct bench *bench = bench_new();

        for (uint64_t i = 0; i < COUNT; i++) {
            const struct snap_entry *entry = &bench->fixture.entries[i];
            const struct snap_merge_bad *bad;

            load(bench, 0, COUNT, &i, 1, fates[f]);
            must(snap_bad_entries_take(&bench->bad, &bench->plan, fates[(f + 1) % 3], NULL)); /* none has that one */
            assert_int_equal(bench->bad.count, i);
            must(snap_bad_entries_take(&bench->bad, &bench->plan, fates[f], NULL));
            must(snap_bad_entries_take(&bench->bad, &bench->plan, fates[f], NULL)); /* as with the next slice of it */
            assert_int_equal(bench->bad.count, i + 1);
            bad = &bench->bad.entries[i];
            assert_int_equal(bad->reason, reasons[f]);
            assert_int_equal(bad->entry.old_chunk, entry->old_chunk);
            assert_int_equal(bad->entry.new_chunk, entry->new_chunk);
            assert_int_equal(bad->origin_offset_bytes, entry->old_chunk * 1024);
            assert_int_equal(bad->cow_offset_bytes, entry->new_chunk * 1024);
            assert_int_equal(bad->length_bytes, entry->old_chunk == 350 ? 512 : 1024);
        }
        bench_free(bench);
    }
}

/* An entry that was met in two windows, because it is repeated in the list, counts once. */
static void test_confirm(void **state)
{
    static const uint64_t first[] = {140, 120}, second[] = {120, 3};
    struct bench *bench = bench_new();

    (void)state;
    take(bench, 100, COUNT, first, 2, SNAP_PLAN_UNREADABLE);
    assert_int_equal(bench->bad.confirmed, 0);
    snap_bad_entries_confirm(&bench->bad);
    assert_int_equal(bench->bad.confirmed, 2);
    take(bench, 0, COUNT, second, 2, SNAP_PLAN_UNREADABLE);
    assert_int_equal(bench->bad.count, 4);
    assert_int_equal(bench->bad.confirmed, 2);
    snap_bad_entries_confirm(&bench->bad);
    assert_int_equal(bench->bad.confirmed, 3);
    for (size_t i = 1; i < 3; i++)
        assert_true(bench->bad.entries[i - 1].entry.old_chunk < bench->bad.entries[i].entry.old_chunk);
    bench_free(bench);
}

static void test_none(void **state)
{
    struct bench *bench = bench_new();
    uint64_t length = 0;

    (void)state;
    must(snap_bad_entries_move(&bench->bad, &bench->store, 90, COUNT, &bench->counts, &length, NULL));
    assert_int_equal(length, 90);
    expect_log(bench, "");
    bench_free(bench);
}

/* In the order of the list, from the front, a flush after each unit; a unit that stays the same is not written. */
static void test_move(void **state)
{
    static const uint64_t bad[] = {149, 100, 62, 63, 110};
    struct bench *bench = bench_new();
    uint64_t length = 0;

    (void)state;
    take(bench, 60, COUNT, bad, 5, SNAP_PLAN_UNREADABLE);
    snap_bad_entries_confirm(&bench->bad);
    must(snap_bad_entries_move(&bench->bad, &bench->store, 62, COUNT, &bench->counts, &length, NULL));
    expect_slot(bench, 62, 62);
    expect_slot(bench, 63, 63);
    expect_slot(bench, 64, 100);
    expect_slot(bench, 65, 110);
    expect_slot(bench, 66, 149);
    for (uint64_t i = 67; i < COUNT; i++)
        expect_slot(bench, i, i); /* the old copies stay until the cut */
    expect_log(bench, "cow write 67584 512\ncow flush\n"); /* slots 32 to 63 stay the same; area 1 is chunk 66 */
    assert_int_equal(bench->counts.written_bytes, 512);
    assert_int_equal(bench->counts.flushes, 1);
    assert_int_equal(length, 96); /* the last unit of area 1, not 67: one atomic unit cuts the list there */
    bench_free(bench);
}

static void test_move_over_units(void **state)
{
    uint64_t bad[40], length = 0;
    struct bench *bench = bench_new();

    (void)state;
    for (uint64_t i = 0; i < 40; i++)
        bad[i] = 110 + i;
    take(bench, 50, COUNT, bad, 40, SNAP_PLAN_UNWRITABLE);
    snap_bad_entries_confirm(&bench->bad);
    must(snap_bad_entries_move(&bench->bad, &bench->store, 50, COUNT, &bench->counts, &length, NULL));
    for (uint64_t i = 0; i < 40; i++)
        expect_slot(bench, 50 + i, 110 + i);
    expect_log(bench, "cow write 1536 512\ncow flush\ncow write 67584 512\ncow flush\n");
    assert_int_equal(length, 96);
    bench_free(bench);
}

/* All of the list is merged but for these: it is cut to them, even if that takes several units. */
static void test_move_to_the_start(void **state)
{
    static const uint64_t bad[] = {149, 7};
    struct bench *bench = bench_new();
    uint64_t length = 0;

    (void)state;
    take(bench, 0, COUNT, bad, 2, SNAP_PLAN_UNREADABLE);
    snap_bad_entries_confirm(&bench->bad);
    must(snap_bad_entries_move(&bench->bad, &bench->store, 0, COUNT, &bench->counts, &length, NULL));
    expect_slot(bench, 0, 7);
    expect_slot(bench, 1, 149);
    assert_int_equal(length, 2);
    bench_free(bench);
}

static void test_entry_is_gone(void **state)
{
    static const uint64_t bad[] = {149, 7};
    struct bench *bench = bench_new();
    struct snap_error err = {0};
    uint64_t length = 0;

    (void)state;
    take(bench, 0, COUNT, bad, 2, SNAP_PLAN_UNREADABLE);
    snap_bad_entries_confirm(&bench->bad);
    assert_int_equal(snap_bad_entries_move(&bench->bad, &bench->store, 8, COUNT, &bench->counts, &length, &err),
                     SNAP_E_CORRUPT);
    assert_non_null(strstr(err.text, "1 of 2 bad entries"));
    expect_log(bench, "");
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_confirm),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_move),
        cmocka_unit_test(test_move_over_units),
        cmocka_unit_test(test_move_to_the_start),
        cmocka_unit_test(test_entry_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

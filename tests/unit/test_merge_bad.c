/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge that goes on past bad sectors: what is left is exactly the bad entries, and nothing else is lost. */
#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/merge_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

/* Both devices in memory, with bad places. */
struct rig {
    struct fixture fixture;
    struct snap_io *cow_mem, *origin_mem, *cow, *origin;
    bool *bad;                     /* by index */
    size_t bad_count;
    struct snap_merge_options options;
    struct snap_merge_result result;
    struct snap_error err;
    uint64_t told;                 /* entries that the callback named */
};

static void tell(void *context, const struct snap_merge_bad *bad)
{
    struct rig *rig = context;
    size_t i = 0;

    while (i < rig->fixture.count && rig->fixture.entries[i].old_chunk != bad->entry.old_chunk)
        i++;
    assert_true(i < rig->fixture.count && rig->bad[i]);
    assert_int_equal(bad->entry.new_chunk, rig->fixture.entries[i].new_chunk);
    assert_int_equal(bad->reason, i % 2);
    rig->told++;
}

static struct rig *rig_new(uint64_t seed, uint64_t chunk_sectors, size_t count)
{
    struct rig *rig = fixture_alloc(1, sizeof *rig);

    rig->fixture = fixture_random_store(seed, chunk_sectors, count, chunk_sectors * count * 2 - 1, seed % 2 == 0);
    rig->bad = fixture_alloc(count, sizeof *rig->bad);
    rig->cow_mem = fixture_mem("cow", rig->fixture.cow, rig->fixture.cow_bytes, 512);
    rig->origin_mem = fixture_mem("origin", rig->fixture.origin, rig->fixture.origin_bytes, 512);
    rig->cow = io_fault_new(rig->cow_mem, io_mem_drop_unflushed);
    rig->origin = io_fault_new(rig->origin_mem, io_mem_drop_unflushed);
    rig->options = (struct snap_merge_options){.continue_on_error = true, .bad = tell, .bad_context = rig};
    return rig;
}

static void rig_free(struct rig *rig)
{
    must(snap_io_close(rig->cow, NULL));
    must(snap_io_close(rig->origin, NULL));
    free(rig->bad);
    fixture_free(&rig->fixture);
    free(rig);
}

/* Even entries cannot be read on the COW, odd ones cannot be written on the origin. */
static void spoil(struct rig *rig, size_t index)
{
    const struct snap_entry *entry = &rig->fixture.entries[index];
    const uint64_t chunk_bytes = rig->fixture.chunk_bytes;

    rig->bad[index] = true;
    rig->bad_count++;
    if (index % 2 == 0)
        io_fault_add(rig->cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                                  .offset_bytes = entry->new_chunk * chunk_bytes});
    else
        io_fault_add(rig->origin, &(struct io_fault){.kind = IO_FAULT_WRITE, .from_then_on = true, .length_bytes = 1,
                                                     .offset_bytes = entry->old_chunk * chunk_bytes,
                                                     .sys_errno = ENODATA});
}

/* The list as it is on the disk; sound: nothing behind its end in its area. */
static struct snap_entry *list_of(const struct rig *rig, uint64_t *length)
{
    const uint8_t *cow = io_mem_bytes(rig->cow_mem);
    const uint64_t chunk_sectors = rig->fixture.chunk_sectors, per_area = 32 * chunk_sectors;
    struct snap_entry *list;

    *length = merge_list_length(&rig->fixture, cow);
    list = fixture_alloc(*length + 1, sizeof *list);
    for (uint64_t i = 0; i < *length; i++)
        snap_codec_decode_entry(cow + format_entry_offset(chunk_sectors, i), &list[i]);
    for (uint64_t i = *length; i < (*length / per_area + 1) * per_area; i++) {
        struct snap_entry behind;

        snap_codec_decode_entry(cow + format_entry_offset(chunk_sectors, i), &behind);
        assert_int_equal(behind.old_chunk | behind.new_chunk, 0);
    }
    return list;
}

static void expect_view(const struct rig *rig, const struct snap_entry *list, uint64_t length)
{
    const struct fixture *fixture = &rig->fixture;
    uint8_t *view = fixture_alloc(1, fixture->origin_bytes);

    memcpy(view, io_mem_bytes(rig->origin_mem), fixture->origin_bytes);
    for (uint64_t i = 0; i < length; i++) {
        uint64_t at = list[i].old_chunk * fixture->chunk_bytes;

        memcpy(view + at, io_mem_bytes(rig->cow_mem) + list[i].new_chunk * fixture->chunk_bytes,
               at + fixture->chunk_bytes <= fixture->origin_bytes ? fixture->chunk_bytes : fixture->origin_bytes - at);
    }
    assert_memory_equal(view, fixture->view, fixture->origin_bytes);
    free(view);
}

static enum snap_status run(struct rig *rig, uint64_t entries)
{
    struct snap_merge_job job = merge_job(&rig->fixture);
    struct snap_store store;

    job.entries = entries;
    must(snap_header_open(&store, rig->cow, NULL));
    return merge_once(&store, rig->origin, &job, &rig->options, &rig->result, &rig->err);
}

/* The bad entries are left, in their order; with the sectors good again the next run merges them too. */
static void expect_left(struct rig *rig)
{
    uint64_t length, found = 0;
    struct snap_entry *list = list_of(rig, &length);

    assert_int_equal(length, rig->bad_count);
    for (size_t i = 0; i < rig->fixture.count; i++) {
        if (!rig->bad[i])
            continue;
        assert_int_equal(list[found].old_chunk, rig->fixture.entries[i].old_chunk);
        assert_int_equal(list[found++].new_chunk, rig->fixture.entries[i].new_chunk);
    }
    expect_view(rig, list, length);
    free(list);
    assert_int_equal(rig->told, rig->bad_count);
    assert_int_equal(rig->result.bad_entries, rig->bad_count);
    assert_int_equal(rig->result.entries_left, rig->bad_count);
    assert_int_equal(rig->result.entries_merged, rig->fixture.count - rig->bad_count);

    io_fault_clear(rig->cow);
    io_fault_clear(rig->origin);
    rig->told = 0;
    must(run(rig, rig->bad_count));
    assert_int_equal(rig->told, 0);
    free(list_of(rig, &length));
    assert_int_equal(length, 0);
    assert_memory_equal(io_mem_bytes(rig->origin_mem), rig->fixture.view, rig->fixture.origin_bytes);
}

static void merge_spoiled(uint64_t seed, uint64_t chunk_sectors, size_t count, uint64_t window, uint64_t table,
                          size_t bad_first, size_t bad_end, uint64_t every)
{
    struct rig *rig = rig_new(seed, chunk_sectors, count);
    uint64_t random = seed;

    for (size_t i = bad_first; i < bad_end && i < count; i++)
        if (unit_random(&random, every) == 0)
            spoil(rig, i);
    rig->options.window_entries_max = window;
    rig->options.table_entries_max = table;
    rig->options.load_entries_max = table ? 13 : 0;
    rig->options.verify = seed % 3 == 0;
    must(run(rig, count));
    expect_left(rig);
    rig_free(rig);
}

static void test_bad_ones_stay_and_all_others_are_merged(void **state)
{
    static const uint64_t windows[] = {0, 1, 10, 31, 32, 33, 64, 100};

    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        for (size_t w = 0; w < sizeof windows / sizeof windows[0]; w++) {
            for (uint64_t table = 0; table <= 50; table += 50) {
                merge_spoiled(seed, 1, 150, windows[w], table, 0, 150, 12);
                merge_spoiled(seed, 1, 150, windows[w], table, 60, 64, 1); /* the end of an area */
                merge_spoiled(seed, 1, 150, windows[w], table, 64, 66, 1); /* its start */
                merge_spoiled(seed, 1, 150, windows[w], table, 0, 1, 1);
                merge_spoiled(seed, 1, 150, windows[w], table, 149, 150, 1);
                merge_spoiled(seed, 1, 150, windows[w], table, 40, 110, 1); /* more than an area, whole windows */
                merge_spoiled(seed, 1, 150, windows[w], table, 0, 150, 1);  /* all */
                merge_spoiled(seed, 2, 200, windows[w], table, 0, 200, 5);  /* units inside an area */
            }
        }
    }
    merge_spoiled(4, 8, 600, 0, 0, 0, 600, 20);
    merge_spoiled(5, 8, 600, 100, 0, 0, 600, 20);
}

/* A disk that is full or gone is no bad sector: everything would be bad. */
static void test_only_the_medium_counts(void **state)
{
    static const int reasons[] = {ENOSPC, ENODEV, EROFS, ENOMEM};

    (void)state;
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        struct rig *rig = rig_new(3, 1, 100);
        uint64_t length;
        struct snap_entry *list;

        io_fault_add(rig->origin, &(struct io_fault){.kind = IO_FAULT_WRITE, .at = 20, .sys_errno = reasons[i]});
        rig->options.window_entries_max = 32;
        assert_int_not_equal(run(rig, 100), SNAP_OK);
        list = list_of(rig, &length);
        assert_true(length > 0 && length < 100);
        expect_view(rig, list, length);
        assert_int_equal(rig->told, 0);
        free(list);
        rig_free(rig);
    }
}

/* Without the word a bad sector ends the merge, with everything before it durable. */
static void test_stops_when_not_asked(void **state)
{
    struct rig *rig = rig_new(2, 1, 100);
    uint64_t length;
    struct snap_entry *list;

    (void)state;
    spoil(rig, 40);
    rig->options.continue_on_error = false;
    rig->options.window_entries_max = 10;
    assert_int_equal(run(rig, 100), SNAP_E_IO);
    assert_non_null(strstr(rig->err.text, "cow: "));
    list = list_of(rig, &length);
    assert_true(length > 40 && length < 60);
    expect_view(rig, list, length);
    free(list);
    rig_free(rig);
}

/* The bad ones leave the list at the very end; their chunks on the origin keep what they had. */
static void test_drop(void **state)
{
    struct rig *rig = rig_new(7, 1, 100);
    uint64_t length;

    (void)state;
    for (size_t i = 20; i < 60; i += 2)
        spoil(rig, i);
    rig->options.window_entries_max = 30;
    rig->options.drop_bad = true;
    must(run(rig, 100));
    free(list_of(rig, &length));
    assert_int_equal(length, 0);
    assert_int_equal(rig->result.bad_entries, 20);
    assert_int_equal(rig->result.dropped_entries, 20);
    assert_int_equal(rig->result.entries_left, 0);
    assert_int_equal(rig->told, 20);
    for (size_t i = 0; i < 100; i++) {
        const uint64_t at = rig->fixture.entries[i].old_chunk * 512;

        assert_memory_equal(io_mem_bytes(rig->origin_mem) + at,
                            (rig->bad[i] ? rig->fixture.origin : rig->fixture.view) + at,
                            512);
    }
    rig_free(rig);
}

/* Whatever fails after bad ones were met: view and list are sound, and a run without faults ends in the right bytes. */
static void test_any_further_failure(void **state)
{
    static const enum io_fault_kind kinds[] = {IO_FAULT_WRITE, IO_FAULT_FLUSH};

    (void)state;
    for (unsigned variant = 0; variant < 4; variant++) {
        bool met = true;

        for (uint64_t at = 0; met; at++) {
            struct rig *rig = rig_new(5, 1, 100);
            struct snap_io *io = variant / 2 ? rig->cow : rig->origin;
            uint64_t length, hits;
            struct snap_entry *list;
            enum snap_status status;

            for (size_t i = 20; i < 70; i += 4) /* all on the COW */
                spoil(rig, i);
            rig->options.window_entries_max = 24;
            hits = io_fault_hits(io);
            io_fault_add(io, &(struct io_fault){.kind = kinds[variant % 2], .at = at, .sys_errno = ENOSPC});
            status = run(rig, 100);
            met = status != SNAP_OK;
            assert_true(met == (io_fault_count(io, kinds[variant % 2]) > at) && io_fault_hits(io) >= hits);
            list = list_of(rig, &length);
            expect_view(rig, list, length);
            free(list);
            rig_free(rig);
        }
    }
}

/* The moves come before the cut, unit by unit with a flush after each. */
static void test_exact_order(void **state)
{
    struct fixture fixture = fixture_random_store(3, 2, 40, 301, false); /* EPA 64: units of 32 entries */
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    struct snap_io *cow = io_fault_new(bench->cow, NULL);
    const struct snap_merge_options options = {.continue_on_error = true};
    const char *tail;
    char *text;

    (void)state;
    for (size_t i = 1; i < 40; i++) /* 35 of 40: more than a unit */
        if (i % 8 != 0)
            io_fault_add(cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 1,
                                                 .offset_bytes = fixture.entries[i].new_chunk * 1024});
    bench->store.io = cow;
    must(merge_once(&bench->store, bench->origin, &bench->job, &options, &bench->result, NULL));
    assert_int_equal(bench->result.bad_entries, 35);
    text = recorder_log_text(bench->recorder, false);
    tail = strstr(text, "origin flush\n");
    assert_non_null(tail);
    assert_string_equal(tail, "origin flush\n"
                              "cow write 1024 512\ncow flush\n"  /* the first 32 of them */
                              "cow write 1536 512\ncow flush\n"  /* the other three, and what is there */
                              "cow write 1536 512\ncow flush\n"); /* the cut to 35 */
    free(text);
    bench->cow = cow;
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/* Stopped anywhere: the result says how long the list is on the disk, moved and left-over entries among it. */
static bool stop_later(void *context)
{
    uint64_t *polls_left = context;

    return *polls_left == 0 || --*polls_left == 0;
}

static void test_list_length(void **state)
{
    enum snap_status status = SNAP_E_STOPPED;
    bool longer = false;

    (void)state;
    for (uint64_t polls = 1; status == SNAP_E_STOPPED; polls++) {
        struct rig *rig = rig_new(8, 2, 150);
        uint64_t polls_left = polls, length;

        for (size_t i = 40; i < 150; i += 7)
            spoil(rig, i);
        rig->options.window_entries_max = 25;
        rig->options.stop = stop_later;
        rig->options.stop_context = &polls_left;
        status = run(rig, 150);
        free(list_of(rig, &length));
        assert_int_equal(rig->result.list_length, length);
        longer |= length > rig->result.entries_left;
        rig_free(rig);
    }
    assert_true(longer);
    must(status);
}

/* They are told first, and stay where that cannot be kept. */
static enum snap_status no_record(void *context, struct snap_error *err)
{
    struct rig *rig = context;

    assert_int_equal(rig->told, rig->bad_count);
    return snap_fail(err, SNAP_E_NOSPC, "no room for the record");
}

static void test_drop_without_a_record(void **state)
{
    struct rig *rig = rig_new(7, 1, 100);
    struct snap_entry *list;
    uint64_t length;

    (void)state;
    for (size_t i = 20; i < 60; i += 2)
        spoil(rig, i);
    rig->options.drop_bad = true;
    rig->options.before_drop = no_record;
    rig->options.before_drop_context = rig;
    assert_int_equal(run(rig, 100), SNAP_E_NOSPC);
    assert_string_equal(rig->err.text, "no room for the record");
    list = list_of(rig, &length);
    assert_int_equal(length, 20);
    expect_view(rig, list, length);
    assert_int_equal(rig->result.dropped_entries, 0);
    assert_int_equal(rig->result.entries_left, 20);
    free(list);
    rig_free(rig);
}

/* What was moved out of an area that cannot be zeroed stays in the list: else the area would look cut off. */
static void test_drop_before_an_area_that_stays(void **state)
{
    struct rig *rig = rig_new(7, 1, 100);
    struct snap_entry *list;
    uint64_t length;

    (void)state;
    for (size_t i = 64; i < 90; i += 2)
        spoil(rig, i);
    rig->options.drop_bad = true;
    io_fault_add(rig->cow, &(struct io_fault){.kind = IO_FAULT_WRITE, .from_then_on = true, .length_bytes = 512,
                                              .offset_bytes = format_entry_offset(1, 64)});
    assert_int_equal(run(rig, 100), SNAP_E_IO);
    list = list_of(rig, &length);
    assert_int_equal(length, 13);
    expect_view(rig, list, length);
    assert_int_equal(rig->result.dropped_entries, 0);
    free(list);
    rig_free(rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_ones_stay_and_all_others_are_merged),
        cmocka_unit_test(test_only_the_medium_counts),
        cmocka_unit_test(test_stops_when_not_asked),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_drop_without_a_record),
        cmocka_unit_test(test_drop_before_an_area_that_stays),
        cmocka_unit_test(test_list_length),
        cmocka_unit_test(test_any_further_failure),
        cmocka_unit_test(test_exact_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

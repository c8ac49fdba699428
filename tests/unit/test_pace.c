/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much a merge takes at a time: memory, tables, rates, the speed of the last window, and when a cut is due. */
#include "lib/merge/pace.h"

#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MIB (UINT64_C(1) << 20)
#define SECOND_NS UINT64_C(1000000000)

static uint64_t now_ns;

static uint64_t clock_now(void *context)
{
    (void)context;
    return now_ns;
}

static void clock_sleep(void *context, uint64_t duration_ns)
{
    (void)context;
    now_ns += duration_ns;
}

static const struct snap_clock test_clock = {clock_now, clock_sleep, NULL};

/* A pace over a large store with chunks of 4 KiB: 256 entries in an area, 32 in a unit. No device is touched. */
struct bench {
    struct snap_io io;
    struct snap_store store;
    struct snap_merge_job job;
    struct snap_merge_options options;
    struct snap_pace pace;
};

static struct bench *bench_new(uint64_t entries, struct snap_merge_options options)
{
    struct bench *bench = fixture_alloc(1, sizeof *bench);

    bench->io = (struct snap_io){.name = "cow", .size_bytes = UINT64_C(1) << 44, .logical_block_bytes = 512};
    bench->store.io = &bench->io;
    assert_int_equal(snap_layout_init(&bench->store.layout, 8, bench->io.size_bytes / 512, NULL), SNAP_OK);
    bench->job = (struct snap_merge_job){.entries = entries, .total_bytes = entries * 4096, .runs = entries};
    bench->options = options;
    now_ns = 5 * SECOND_NS;
    snap_pace_init(&bench->pace, &bench->store, &bench->job, &bench->options, &test_clock);
    return bench;
}

static void test_default_memory(void **state)
{
    (void)state;
    assert_int_equal(snap_merge_default_memory_bytes(0), 16 << 20);
    assert_int_equal(snap_merge_default_memory_bytes(64 << 20), 16 << 20);
    assert_int_equal(snap_merge_default_memory_bytes((64 << 20) + 4), (16 << 20) + 1);
    assert_int_equal(snap_merge_default_memory_bytes(UINT64_C(1) << 30), 256 << 20);
    assert_int_equal(snap_merge_default_memory_bytes(UINT64_C(2) << 30), 512 << 20);
    assert_int_equal(snap_merge_default_memory_bytes(UINT64_MAX), 512 << 20);
}

/*
 * What the model in tests/bench says: always on two disks, on one only for short runs, never without a spinning disk.
 */
static void test_when_a_table_pays(void **state)
{
    struct snap_merge_job job = {.entries = 4096, .total_bytes = 4096 * UINT64_C(4096), .runs = 4000};

    (void)state;
    assert_int_equal(snap_pace_table_entries(&job, SNAP_MERGE_SEEKS_FREE, 512 * MIB), 0);
    assert_int_equal(snap_pace_table_entries(&job, SNAP_MERGE_SEEKS_TWO_DISKS, 512 * MIB), 4096);
    assert_int_equal(snap_pace_table_entries(&job, SNAP_MERGE_SEEKS_ONE_DISK, 512 * MIB), 4096);
    job.runs = 1024; /* 16 KiB each */
    assert_int_equal(snap_pace_table_entries(&job, SNAP_MERGE_SEEKS_ONE_DISK, 512 * MIB), 4096);
    job.runs = 1023;
    assert_int_equal(snap_pace_table_entries(&job, SNAP_MERGE_SEEKS_ONE_DISK, 512 * MIB), 0);
    assert_int_equal(snap_pace_table_entries(&job, SNAP_MERGE_SEEKS_TWO_DISKS, 512 * MIB), 4096);
    job.entries = UINT64_C(1) << 40; /* an eighth of the memory */
    assert_int_equal(snap_pace_table_entries(&job, SNAP_MERGE_SEEKS_TWO_DISKS, 512 * MIB),
                     64 * MIB / SNAP_WINDOW_TABLE_ENTRY_BYTES);
    job = (struct snap_merge_job){0};
    assert_int_equal(snap_pace_table_entries(&job, SNAP_MERGE_SEEKS_ONE_DISK, 512 * MIB), 0);
}

/* Fresh memory for long runs, where no seek costs, would be paid for nothing. */
static void test_long_runs_take_small_buffers(void **state)
{
    struct snap_merge_job job = {.entries = 1 << 20, .total_bytes = UINT64_C(4096) << 20, .runs = 1 << 16};

    (void)state;
    assert_int_equal(snap_pace_buffer_bytes(&job, SNAP_MERGE_SEEKS_FREE, 256 * MIB), 72 * MIB); /* 64 KiB each */
    assert_int_equal(snap_pace_buffer_bytes(&job, SNAP_MERGE_SEEKS_FREE, 8 * MIB), 8 * MIB);
    assert_int_equal(snap_pace_buffer_bytes(&job, SNAP_MERGE_SEEKS_TWO_DISKS, 256 * MIB), 256 * MIB);
    assert_int_equal(snap_pace_buffer_bytes(&job, SNAP_MERGE_SEEKS_ONE_DISK, 256 * MIB), 256 * MIB);
    job.runs++;
    assert_int_equal(snap_pace_buffer_bytes(&job, SNAP_MERGE_SEEKS_FREE, 256 * MIB), 256 * MIB);
    job = (struct snap_merge_job){0};
    assert_int_equal(snap_pace_buffer_bytes(&job, SNAP_MERGE_SEEKS_FREE, 256 * MIB), 256 * MIB);
}

/* A third buffer where something is compared with the origin; a table takes its part of the memory first. */
static void test_memory_is_shared(void **state)
{
    const struct snap_merge_options plain = {.memory_bytes = 300 * MIB};
    struct snap_merge_options others[] = {plain, plain, plain};
    struct bench *two = bench_new(1 << 20, plain), *table;

    (void)state;
    others[0].verify = others[1].skip_identical = others[2].keep_cow = true;
    assert_int_equal(two->pace.window_entries_max, two->pace.load.entries);
    for (int i = 0; i < 3; i++) {
        struct bench *three = bench_new(1 << 20, others[i]);

        assert_in_range(three->pace.load.entries, two->pace.load.entries * 63 / 100, two->pace.load.entries * 67 / 100);
        free(three);
    }
    table = bench_new(1 << 20, (struct snap_merge_options){.memory_bytes = 300 * MIB, .read_ahead = true,
                                                           .seeks = SNAP_MERGE_SEEKS_ONE_DISK});
    assert_int_equal(table->pace.window_entries_max, 1 << 20);
    assert_true(table->pace.load.entries < two->pace.load.entries);
    assert_false(table->pace.read_ahead); /* it would only add seeks */
    free(two);
    free(table);
}

/* Under a rate a window is some seconds of work, an eighth of the merge at most, and one entry at least. */
static void test_rates_limit_a_window(void **state)
{
    static const struct {
        uint64_t entries, rate_bytes, rate_requests, interval_seconds, window_max;
        uint64_t expected;
    } cases[] = {
        {3000, 10 * 4096, 0, 0, 0, 100},
        {3000, 10 * 4096, 0, 3, 0, 30},
        {3000, 10 * 4096, 0, 60, 0, 100},
        {3000, 0, 20, 0, 0, 200},
        {3000, 10 * 4096, 7, 0, 0, 70},
        {3000, 1, 0, 0, 0, 1},
        {3000, 4096 * 4096, 0, 0, 0, 375},
        {3000, 4096 * 4096, 0, 0, 50, 50},
        {3000, 0, 0, 0, 50, 50},
        {3000, 0, 0, 0, 0, 3000},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *bench = bench_new(cases[i].entries, (struct snap_merge_options){
                                                              .memory_bytes = 256 * MIB,
                                                              .rate_bytes = cases[i].rate_bytes,
                                                              .rate_requests = cases[i].rate_requests,
                                                              .interval_seconds = cases[i].interval_seconds,
                                                              .window_entries_max = cases[i].window_max});

        assert_int_equal(bench->pace.window_entries_max, cases[i].expected);
        assert_int_equal(bench->pace.cut_each, i < 9);
        free(bench);
    }
}

/* The next window is as large as the last one's speed allows in the interval, within its limits. */
static void test_adapt(void **state)
{
    const struct snap_window_range window = {.first = 2000, .end = 3000};
    struct bench *bench = bench_new(3000,
                                    (struct snap_merge_options){.memory_bytes = 64 * MIB, .interval_seconds = 10});

    (void)state;
    assert_int_equal(bench->pace.window_entries, 3000);
    snap_pace_adapt(&bench->pace, &window, 20 * SECOND_NS);
    assert_int_equal(bench->pace.window_entries, 500);
    snap_pace_adapt(&bench->pace, &window, 5 * SECOND_NS);
    assert_int_equal(bench->pace.window_entries, 2000);
    snap_pace_adapt(&bench->pace, &window, SECOND_NS);
    assert_int_equal(bench->pace.window_entries, 3000);
    snap_pace_adapt(&bench->pace, &window, 100000 * SECOND_NS);
    assert_int_equal(bench->pace.window_entries, 1);
    snap_pace_adapt(&bench->pace, &window, 0); /* a clock that stands still says nothing */
    assert_int_equal(bench->pace.window_entries, 1);
    bench->options.interval_seconds = 0;
    snap_pace_adapt(&bench->pace, &window, SECOND_NS);
    assert_int_equal(bench->pace.window_entries, 1);
    free(bench);
}

/* 500 entries behind the list, cut at 400, which is no atomic cut: 400 is slot 144 of area 1. */
static void test_when_a_cut_is_due(void **state)
{
    const struct snap_window_range load = {.first = 400, .end = 500, .last_load = true};
    struct snap_window_range other = load;
    struct bench *bench = bench_new(500, (struct snap_merge_options){.memory_bytes = 64 * MIB, .interval_seconds = 10});

    (void)state;
    assert_false(snap_pace_cut_due(&bench->pace, &load, 500, false));
    now_ns += 10 * SECOND_NS - 1;
    assert_false(snap_pace_cut_due(&bench->pace, &load, 500, false));
    now_ns++;
    assert_true(snap_pace_cut_due(&bench->pace, &load, 500, false)); /* the interval is over */
    snap_pace_note_cut(&bench->pace);
    assert_false(snap_pace_cut_due(&bench->pace, &load, 500, false));
    assert_true(snap_pace_cut_due(&bench->pace, &load, 500, true));  /* bad entries are moved window by window */
    other.good_cut = true;
    assert_true(snap_pace_cut_due(&bench->pace, &other, 500, false));
    other.last_load = false;
    assert_false(snap_pace_cut_due(&bench->pace, &other, 500, true)); /* the window is not written whole */
    bench->options.keep_cow = true;
    assert_true(snap_pace_cut_due(&bench->pace, &load, 500, false));
    bench->options.keep_cow = false;
    bench->options.interval_seconds = 0;
    now_ns += 1000 * SECOND_NS;
    assert_false(snap_pace_cut_due(&bench->pace, &load, 500, false));
    /* 64 MiB for each unit: the flushes do not matter. 144 slots are left in the area, so 4 units are cleared. */
    assert_true(snap_pace_cut_due(&bench->pace, &load, 400 + 4 * 16384, false));
    assert_false(snap_pace_cut_due(&bench->pace, &load, 400 + 4 * 16384 - 1, false));
    free(bench);
}

/* Where entries behind it wait for a cut, a window becomes small for the sake of one. */
static void test_next_wants_a_cut(void **state)
{
    struct snap_window_range done = {.first = 500, .end = 600, .last_load = true};
    struct snap_window_range next;
    struct bench *bench = bench_new(600,
                                    (struct snap_merge_options){.memory_bytes = 64 * MIB, .load_entries_max = 100});

    (void)state;
    next = snap_pace_next(&bench->pace, &done);
    assert_int_equal(next.first, 480); /* slot 224 of area 1, though that is less than half of a window */
    assert_true(next.good_cut);
    done.good_cut = true;
    next = snap_pace_next(&bench->pace, &done);
    assert_int_equal(next.first, 400);
    assert_false(next.good_cut);
    done.good_cut = false;
    bench->pace.cut_each = true;
    next = snap_pace_next(&bench->pace, &done);
    assert_int_equal(next.first, 400);
    free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_default_memory),
        cmocka_unit_test(test_when_a_table_pays),
        cmocka_unit_test(test_long_runs_take_small_buffers),
        cmocka_unit_test(test_memory_is_shared),
        cmocka_unit_test(test_rates_limit_a_window),
        cmocka_unit_test(test_adapt),
        cmocka_unit_test(test_when_a_cut_is_due),
        cmocka_unit_test(test_next_wants_a_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

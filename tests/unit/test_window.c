/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Windows: how the list is divided, what they may weigh, and what a load brings. */
#include "lib/merge/window.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#define MIB (UINT64_C(1) << 20)

static struct snap_store store_over(struct snap_io *io, uint64_t chunk_sectors)
{
    struct snap_store store = {.io = io};

    must(snap_layout_init(&store.layout, chunk_sectors, io->size_bytes / 512, NULL));
    return store;
}

/* Whether the cut to m is one write of one unit: m in the last unit of its area, or nothing in later units of it. */
static bool single_unit(uint64_t per_area, uint64_t unit_entries, uint64_t length, uint64_t m)
{
    uint64_t area_end = (m / per_area + 1) * per_area, last = (length < area_end ? length : area_end) - 1;

    return last / unit_entries == m / unit_entries;
}

/*
 * From the tail to the head: each window ends where the one before began, none is too large, and the cut takes one
 * unit wherever that leaves a window of half its size.
 */
static void check_division(const struct snap_store *store, uint64_t entries, uint64_t entries_max)
{
    const uint64_t per_area = store->layout.entries_per_area;
    const uint64_t unit_entries = snap_header_unit_bytes(store) / 16, chunk_bytes = store->layout.chunk_bytes;
    const struct snap_window_size size = {entries_max, chunk_bytes};
    struct snap_window_range range = {.first = entries, .end = entries};
    uint64_t covered = 0, windows = 0;

    for (;;) {
        struct snap_window_range next = snap_window_next(store, &range, entries_max, &size, false);
        uint64_t lowest = range.first > entries_max ? range.first - entries_max : 0;

        if (next.first == next.end) {
            assert_int_equal(next.end, 0);
            break;
        }
        assert_int_equal(next.end, range.first);
        assert_true(next.first < next.end && next.end - next.first <= entries_max);
        assert_true((next.end - next.first) * 2 >= next.end - lowest);
        assert_int_equal(next.slice_offset_bytes, 0);
        assert_int_equal(next.slice_bytes, chunk_bytes);
        assert_true(next.last_load);
        if (!single_unit(per_area, unit_entries, next.end, next.first) && next.first > 0) {
            for (uint64_t m = lowest; (next.end - m) * 2 >= next.end - lowest && m < next.end; m++)
                assert_false(m % per_area >= per_area - unit_entries);
        }
        covered += next.end - next.first;
        windows++;
        range = next;
    }
    assert_int_equal(covered, entries);
    assert_true(windows <= 2 * (entries / entries_max) + 2);
}

static void test_division(void **state)
{
    struct snap_io *io = io_mem_new("cow", 8192, 512, true);
    struct snap_io *io4k = io_mem_new("cow", 8192, 4096, true);
    struct snap_store store;

    (void)state;
    store = store_over(io, 1);
    for (uint64_t entries = 0; entries <= 200; entries++) {
        for (uint64_t max = 1; max <= 205; max++)
            check_division(&store, entries, max);
    }
    store = store_over(io, 2); /* two units an area */
    for (uint64_t entries = 0; entries <= 330; entries += 3) {
        for (uint64_t max = 1; max <= 335; max += 2)
            check_division(&store, entries, max);
    }
    store = store_over(io, 8);
    for (uint64_t entries = 0; entries <= 1500; entries += 111) {
        for (uint64_t max = 1; max <= 1600; max += 7)
            check_division(&store, entries, max);
    }
    store = store_over(io4k, 16);
    for (uint64_t entries = 0; entries <= 3000; entries += 333) {
        for (uint64_t max = 1; max <= 3100; max += 13)
            check_division(&store, entries, max);
    }
    must(snap_io_close(io, NULL));
    must(snap_io_close(io4k, NULL));
}

/* The size of a window may change from one to the next. */
static void test_division_with_changing_size(void **state)
{
    struct snap_io *io = io_mem_new("cow", 8192, 512, true);
    struct snap_store store = store_over(io, 8);
    uint64_t random = 3;

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct snap_window_range range = {0};
        uint64_t covered = 0, entries = unit_random(&random, 5000);

        range.first = range.end = entries;
        for (;;) {
            uint64_t max = unit_random(&random, 900) + 1;
            const struct snap_window_size size = {max, 4096};
            struct snap_window_range next = snap_window_next(&store, &range, max, &size, false);

            if (next.first == next.end)
                break;
            assert_int_equal(next.end, range.first);
            assert_true(next.end - next.first <= max);
            covered += next.end - next.first;
            range = next;
        }
        assert_int_equal(covered, entries);
    }
    must(snap_io_close(io, NULL));
}

static void test_slices(void **state)
{
    struct snap_io *io = io_mem_new("cow", 8192, 512, true);
    struct snap_store store = store_over(io, 16384); /* 8 MiB */
    const struct snap_window_size size = {1, 2 * MIB};
    struct snap_window_range range = {.first = 3, .end = 3};

    (void)state;
    for (uint64_t index = 3; index-- > 0;) {
        for (uint64_t at = 0; at < 8 * MIB; at += 2 * MIB) {
            range = snap_window_next(&store, &range, 1, &size, false);
            assert_int_equal(range.first, index);
            assert_int_equal(range.end, index + 1);
            assert_int_equal(range.slice_offset_bytes, at);
            assert_int_equal(range.slice_bytes, 2 * MIB);
            assert_int_equal(range.last_load, at == 6 * MIB);
        }
    }
    range = snap_window_next(&store, &range, 1, &size, false);
    assert_int_equal(range.end, 0);
    assert_int_equal(range.first, 0);
    must(snap_io_close(io, NULL));
}

/* All that a window of this size allocates: plan, group, buffer, and what reading entries takes meanwhile. */
static uint64_t weight_bytes(const struct snap_layout *layout, const struct snap_window_size *size)
{
    return snap_plan_memory_bytes(layout->chunk_bytes, size->entries) + SNAP_COPY_GROUP_MEMORY_BYTES +
           size->entries * size->slice_bytes + (2 << 20);
}

/* From the least that a merge gives a window (half of 16 MiB) on; smaller budgets are not promised to be kept. */
static void test_memory_is_bounded(void **state)
{
    uint64_t random = 17;

    (void)state;
    for (uint64_t chunk_sectors = 1; chunk_sectors <= 2097152; chunk_sectors *= 2) {
        struct snap_layout layout;

        must(snap_layout_init(&layout, chunk_sectors, UINT64_C(1) << 50, NULL));
        for (int i = 0; i < 400; i++) {
            uint64_t memory_bytes = 8 * MIB + unit_random(&random, i < 200 ? 16 * MIB : 2048 * MIB);
            struct snap_window_size size;

            if (i % 4 == 0) /* where a slice just fits, or just does not */
                memory_bytes = snap_max(8 * MIB, (UINT64_C(1) << unit_random(&random, 12) << 20) +
                                                     SNAP_COPY_GROUP_MEMORY_BYTES + (2 << 20) +
                                                     unit_random(&random, 3) * 200);
            snap_window_size(&layout, memory_bytes, UINT64_MAX, &size);
            assert_true(size.entries >= 1);
            assert_true(size.slice_bytes <= layout.chunk_bytes);
            assert_true(size.slice_bytes == layout.chunk_bytes || size.entries == 1);
            assert_int_equal(layout.chunk_bytes % size.slice_bytes, 0);
            if (weight_bytes(&layout, &size) > memory_bytes)
                fail_msg("chunk of %llu bytes, memory of %llu: a window takes %llu",
                         (unsigned long long)layout.chunk_bytes, (unsigned long long)memory_bytes,
                         (unsigned long long)weight_bytes(&layout, &size));
            /* And it is used: at least a third of it. */
            assert_true(weight_bytes(&layout, &size) >= memory_bytes / 3);
        }
    }
}

static void test_size_wanted(void **state)
{
    struct snap_layout layout;
    struct snap_window_size size;

    (void)state;
    must(snap_layout_init(&layout, 8, UINT64_C(1) << 30, NULL));
    snap_window_size(&layout, 64 * MIB, 10, &size);
    assert_int_equal(size.entries, 10);
    assert_int_equal(size.slice_bytes, 4096);
    snap_window_size(&layout, 64 * MIB, 1, &size);
    assert_int_equal(size.entries, 1);
    assert_int_equal(size.slice_bytes, 4096);
    must(snap_layout_init(&layout, 16384, UINT64_C(1) << 30, NULL));
    snap_window_size(&layout, 8 * MIB, 10, &size); /* 8 MiB do not fit, 4 do */
    assert_int_equal(size.entries, 1);
    assert_int_equal(size.slice_bytes, 4 * MIB);
}

struct bench {
    struct fixture fixture;
    struct snap_io *io;
    struct snap_store store;
    struct snap_throttle throttle;
    struct snap_copy_control control;
};

static struct bench *bench_new(uint64_t chunk_sectors, size_t count)
{
    struct bench *bench = fixture_alloc(1, sizeof *bench);

    bench->fixture = fixture_random_store(11, chunk_sectors, count, chunk_sectors * count * 2 + 1, true);
    bench->io = io_fault_new(fixture_mem("disk7", bench->fixture.cow, bench->fixture.cow_bytes, 512), NULL);
    bench->store = store_over(bench->io, chunk_sectors);
    snap_throttle_init(&bench->throttle, &snap_clock_system, 0, 0);
    bench->control = (struct snap_copy_control){.clock = &snap_clock_system, .throttle = &bench->throttle};
    return bench;
}

static void bench_free(struct bench *bench)
{
    must(snap_io_close(bench->io, NULL));
    fixture_free(&bench->fixture);
    free(bench);
}

/* The plan has each of these entries, at a place of its own; the places are in the order of the data chunks. */
static void expect_entries(const struct snap_plan *plan, const struct snap_entry *expected, uint64_t count)
{
    assert_int_equal(plan->count, count);
    for (uint64_t place = 0; place < count; place++) {
        uint64_t i = 0;

        while (i < count && expected[i].new_chunk != plan->entries[place].new_chunk)
            i++;
        assert_true(i < count);
        assert_int_equal(plan->entries[place].old_chunk, expected[i].old_chunk);
        assert_true(place == 0 || plan->entries[place - 1].new_chunk < plan->entries[place].new_chunk);
    }
}

static void test_load(void **state)
{
    struct bench *bench = bench_new(2, 150);
    const struct snap_window_size size = {70, 1024};
    struct snap_window window;
    struct snap_worker ahead = {0};

    (void)state;
    must(snap_window_init(&window, &bench->store, &size, bench->fixture.origin_bytes / 512, &bench->control, true,
                          NULL));
    for (int round = 0; round < 4; round++) {
        const struct snap_window_range range = {(uint64_t)round * 20 + 3, (uint64_t)round * 20 + 73 - (unsigned)round,
                                                0, 1024, true, false, 0, 0};
        const struct snap_entry *expected = bench->fixture.entries + range.first;
        uint64_t pieces_bytes = 0;

        snap_window_load(&window, &range, round % 2 ? &ahead : NULL);
        must(snap_window_wait(&window, NULL));
        expect_entries(&window.plan, expected, range.end - range.first);
        for (size_t w = 0; w < window.plan.write_count; w++) {
            uint64_t at = window.plan.writes[w].target_offset_bytes;

            for (uint32_t p = 0; p < window.plan.writes[w].pieces; p++) {
                const struct snap_plan_piece *piece = &window.plan.pieces[window.plan.writes[w].first_piece + p];

                assert_memory_equal(window.buffer + piece->buffer_offset_bytes, bench->fixture.view + at,
                                    piece->length_bytes);
                at += piece->length_bytes;
                pieces_bytes += piece->length_bytes;
            }
        }
        assert_int_equal(pieces_bytes, window.plan.write_bytes);
    }
    snap_window_free(&window);
    snap_worker_end(&ahead);
    bench_free(bench);
}

/* No buffer: a dry run. Only entries are read. */
static void test_load_without_data(void **state)
{
    struct bench *bench = bench_new(8, 50);
    const struct snap_window_size size = {50, 4096};
    const struct snap_window_range range = {0, 50, 0, 4096, true, false, 0, 0};
    struct snap_window window;

    (void)state;
    must(snap_window_init(&window, &bench->store, &size, bench->fixture.origin_bytes / 512, &bench->control, false,
                          NULL));
    assert_null(window.buffer);
    snap_window_load(&window, &range, NULL);
    must(snap_window_wait(&window, NULL));
    assert_int_equal(window.plan.read_bytes, window.plan.write_bytes);
    assert_int_equal(io_fault_count(bench->io, IO_FAULT_READ), 1);
    snap_window_free(&window);
    bench_free(bench);
}

static void expect_refused(struct bench *bench, uint64_t index, uint64_t old_chunk, uint64_t new_chunk)
{
    const struct snap_window_size size = {20, 512};
    const struct snap_window_range range = {10, 30, 0, 512, true, false, 0, 0};
    struct snap_error err = {.status = SNAP_OK};
    struct snap_window window;
    struct snap_worker ahead = {0};
    uint8_t sector[512];
    uint64_t sector_bytes = format_entry_offset(1, index) / 512 * 512;

    must(snap_io_read(bench->io, sector_bytes, 512, sector, NULL));
    snap_put_le64(sector + index % 32 * 16, old_chunk);
    snap_put_le64(sector + index % 32 * 16 + 8, new_chunk);
    must(snap_io_write(bench->io, sector_bytes, 512, sector, NULL));
    must(snap_window_init(&window, &bench->store, &size, bench->fixture.origin_bytes / 512, &bench->control, true,
                          NULL));
    snap_window_load(&window, &range, index % 2 ? &ahead : NULL);
    assert_int_equal(snap_window_wait(&window, &err), SNAP_E_CORRUPT);
    assert_int_equal(err.status, SNAP_E_CORRUPT);
    assert_ptr_equal(strstr(err.text, "disk7: "), err.text);
    snap_window_free(&window);
    snap_worker_end(&ahead);
    must(snap_io_write(bench->io, sector_bytes, 512, bench->fixture.cow + sector_bytes, NULL));
}

static void test_entries_that_changed(void **state)
{
    struct bench *bench = bench_new(1, 40);
    uint64_t cow_chunks = bench->fixture.cow_bytes / 512, origin_chunks = bench->fixture.origin_bytes / 512;

    (void)state;
    expect_refused(bench, 10, 1, 0);
    expect_refused(bench, 11, 1, 1);
    expect_refused(bench, 29, 1, 34); /* area 1 */
    expect_refused(bench, 12, 1, cow_chunks);
    expect_refused(bench, 13, origin_chunks, 2);
    expect_refused(bench, 14, UINT64_MAX, 2);
    expect_refused(bench, 15, 1, UINT64_MAX);
    expect_refused(bench, 16, 1, UINT64_C(1) << 56 | 2);
    bench_free(bench);
}

static bool always(void *context)
{
    (void)context;
    return true;
}

static void test_load_failures(void **state)
{
    struct bench *bench = bench_new(2, 64);
    const struct snap_window_size size = {64, 1024};
    const struct snap_window_range range = {0, 64, 0, 1024, true, false, 0, 0};
    struct snap_window window;
    struct snap_worker ahead = {0};

    (void)state;
    must(snap_window_init(&window, &bench->store, &size, bench->fixture.origin_bytes / 512, &bench->control, true,
                          NULL));
    for (int in_thread = 0; in_thread < 2; in_thread++) {
        struct snap_error err = {.status = SNAP_OK};

        io_fault_clear(bench->io);
        for (uint64_t bad = 0; bad < 2; bad++) { /* the entries; then the data */
            io_fault_add(bench->io, &(struct io_fault){.kind = IO_FAULT_READ,
                                                       .at = io_fault_count(bench->io, IO_FAULT_READ) + bad});
            snap_window_load(&window, &range, in_thread ? &ahead : NULL);
            assert_int_equal(snap_window_wait(&window, &err), SNAP_E_IO);
            assert_non_null(strstr(err.text, "disk7"));
            assert_int_equal(snap_window_wait(&window, NULL), SNAP_E_IO); /* asked twice, said twice */
        }
        bench->control.stop = always;
        snap_window_load(&window, &range, in_thread ? &ahead : NULL);
        assert_int_equal(snap_window_wait(&window, &err), SNAP_E_STOPPED);
        bench->control.stop = NULL;
        snap_window_load(&window, &range, in_thread ? &ahead : NULL);
        must(snap_window_wait(&window, &err));
    }
    snap_window_load(&window, &range, &ahead);
    snap_window_free(&window); /* waits for the thread */
    snap_window_free(&window);
    snap_worker_end(&ahead);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_division),
        cmocka_unit_test(test_division_with_changing_size),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_memory_is_bounded),
        cmocka_unit_test(test_size_wanted),
        cmocka_unit_test(test_load),
        cmocka_unit_test(test_load_without_data),
        cmocka_unit_test(test_entries_that_changed),
        cmocka_unit_test(test_load_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

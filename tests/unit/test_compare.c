/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether entries are merged already: every single bit counts, and nothing beyond the origin's end does. */
#include "lib/merge/compare.h"

#include "tests/support/io_fault.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#define MEMORY_BYTES (16u << 20)

/* A store and an origin into which all of it is merged; both able to fail. */
struct bench {
    struct fixture fixture;
    struct snap_io *cow_mem, *origin_mem, *cow, *origin;
    struct snap_store store;
};

static struct bench bench_new(struct fixture fixture)
{
    struct bench bench = {.fixture = fixture};

    bench.cow_mem = fixture_mem("disk7", fixture.cow, fixture.cow_bytes, 512);
    bench.origin_mem = fixture_mem("disk8", fixture.view, fixture.origin_bytes, 512);
    bench.cow = io_fault_new(bench.cow_mem, NULL);
    bench.origin = io_fault_new(bench.origin_mem, NULL);
    bench.cow->writable = bench.origin->writable = false;
    must(snap_header_open(&bench.store, bench.cow, NULL));
    return bench;
}

static void bench_free(struct bench *bench)
{
    must(snap_io_close(bench->cow, NULL));
    must(snap_io_close(bench->origin, NULL));
    fixture_free(&bench->fixture);
}

static bool equal(struct bench *bench, uint64_t first, uint64_t count, uint64_t memory_bytes)
{
    bool result = false, same = true;

    must(snap_compare_merged(&bench->store, bench->origin, first, count, memory_bytes, NULL, NULL, &result, NULL));
    for (uint64_t i = first; i < first + count && same; i++) {
        uint64_t chunk_bytes = bench->fixture.chunk_bytes, at = bench->fixture.entries[i].old_chunk * chunk_bytes;
        uint64_t length = at + chunk_bytes <= bench->fixture.origin_bytes
            ? chunk_bytes : bench->fixture.origin_bytes - at;

        same = memcmp(io_mem_bytes(bench->origin_mem) + at,
                      io_mem_bytes(bench->cow_mem) + bench->fixture.entries[i].new_chunk * chunk_bytes, length) == 0;
    }
    assert_true(result == same);
    return result;
}

static void test_equal_and_not(void **state)
{
    static const uint64_t sizes[] = {1, 8, 128};

    (void)state;
    for (size_t s = 0; s < 3; s++) {
        size_t count = sizes[s] == 128 ? 70 : 140;
        struct bench bench = bench_new(fixture_random_store(s + 1, sizes[s], count, sizes[s] * 300 + sizes[s] / 2,
                                                            true));

        assert_true(equal(&bench, 0, count, MEMORY_BYTES));
        assert_true(equal(&bench, 33, 5, MEMORY_BYTES));
        assert_true(equal(&bench, 12, 0, MEMORY_BYTES));
        memcpy(io_mem_bytes(bench.origin_mem), bench.fixture.origin, bench.fixture.origin_bytes);
        assert_false(equal(&bench, 0, count, MEMORY_BYTES));
        assert_false(equal(&bench, 33, 5, MEMORY_BYTES));
        assert_false(equal(&bench, count - 1, 1, MEMORY_BYTES));
        assert_true(equal(&bench, 12, 0, MEMORY_BYTES));
        bench_free(&bench);
    }
}

/* One bit, in the first and the last byte of each chunk, on either side; seen where the chunk is asked for, only. */
static void test_one_bit(void **state)
{
    struct bench bench = bench_new(fixture_random_store(3, 8, 60, 8 * 100 + 3, true));
    uint8_t *cow = io_mem_bytes(bench.cow_mem), *origin = io_mem_bytes(bench.origin_mem);

    (void)state;
    for (uint64_t i = 0; i < 60; i++) {
        const struct snap_entry *entry = &bench.fixture.entries[i];
        bool partial = entry->old_chunk == 100;
        uint8_t *bytes[] = {cow + entry->new_chunk * 4096, cow + entry->new_chunk * 4096 + (partial ? 1535 : 4095),
                            origin + entry->old_chunk * 4096,
                            origin + entry->old_chunk * 4096 + (partial ? 1535 : 4095)};

        for (unsigned b = 0; b < 4; b++) {
            *bytes[b] ^= 0x80;
            assert_false(equal(&bench, 0, 60, MEMORY_BYTES));
            assert_false(equal(&bench, i, 1, MEMORY_BYTES));
            assert_true(equal(&bench, 0, i, MEMORY_BYTES));
            assert_true(equal(&bench, i + 1, 59 - i, MEMORY_BYTES));
            *bytes[b] ^= 0x80;
        }
        if (partial) { /* behind the origin's end there is no data (dmsnap-store(5), ENTRIES AND AREAS) */
            cow[entry->new_chunk * 4096 + 1536] ^= 1;
            assert_true(equal(&bench, 0, 60, MEMORY_BYTES));
            cow[entry->new_chunk * 4096 + 1536] ^= 1;
        }
    }
    assert_true(equal(&bench, 0, 60, MEMORY_BYTES));
    bench_free(&bench);
}

/* Several loads, and a chunk in slices: the difference is in the last byte of all. */
static void test_many_loads(void **state)
{
    struct bench bench = bench_new(fixture_random_store(3, 2048, 12, 2048 * 20, true));
    struct bench sliced = bench_new(fixture_random_store(3, 16384, 2, 16384 * 2 + 9000, true));

    (void)state;
    assert_true(equal(&bench, 0, 12, 4 << 20));
    io_mem_bytes(bench.origin_mem)[(bench.fixture.entries[11].old_chunk + 1) * bench.fixture.chunk_bytes - 1] ^= 1;
    assert_false(equal(&bench, 0, 12, 4 << 20));
    assert_true(equal(&bench, 0, 11, 4 << 20));
    bench_free(&bench);

    assert_true(equal(&sliced, 0, 2, 8 << 20));
    io_mem_bytes(sliced.origin_mem)[sliced.fixture.origin_bytes - 1] ^= 1; /* of chunk 2, in its second slice */
    assert_false(equal(&sliced, 0, 2, 8 << 20));
    bench_free(&sliced);
}

/* Behind the end of the list: a continuation. */
static void test_behind_the_end(void **state)
{
    struct bench bench = bench_new(fixture_random_store(3, 1, 100, 300, false));

    (void)state;
    memset(io_mem_bytes(bench.cow_mem) + 512, 0, 512);
    assert_true(equal(&bench, 32, 68, MEMORY_BYTES));
    io_mem_bytes(bench.cow_mem)[bench.fixture.entries[99].new_chunk * 512 + 511] ^= 1;
    assert_false(equal(&bench, 32, 68, MEMORY_BYTES));
    bench_free(&bench);
}

static void test_read_errors(void **state)
{
    (void)state;
    for (int on_origin = 0; on_origin < 2; on_origin++) {
        for (uint64_t at = 0;; at++) {
            struct bench bench = bench_new(fixture_random_store(3, 2, 100, 401, true));
            struct snap_io *bad = on_origin ? bench.origin : bench.cow;
            struct snap_error err = {.status = SNAP_OK};
            enum snap_status status;
            bool result, met;

            io_fault_add(bad, &(struct io_fault){.kind = IO_FAULT_READ, .at = io_fault_count(bad, IO_FAULT_READ) + at});
            status = snap_compare_merged(&bench.store, bench.origin, 0, 100, MEMORY_BYTES, NULL, NULL, &result, &err);
            met = io_fault_hits(bad) > 0;
            assert_int_equal(status, met ? SNAP_E_IO : SNAP_OK);
            if (met)
                assert_non_null(strstr(err.text, on_origin ? "disk8" : "disk7"));
            bench_free(&bench);
            if (!met) {
                assert_true(at > 2);
                break;
            }
        }
    }
}

struct stopper {
    unsigned polls, stop_at;
};

static bool stop_asked(void *context)
{
    struct stopper *stopper = context;

    return stopper->polls++ >= stopper->stop_at;
}

static void test_stop(void **state)
{
    struct bench bench = bench_new(fixture_random_store(3, 2, 100, 401, true));
    unsigned at = 0;

    (void)state;
    for (;; at++) {
        struct stopper stopper = {.stop_at = at};
        struct snap_error err = {.status = SNAP_OK};
        bool result;
        enum snap_status status = snap_compare_merged(&bench.store, bench.origin, 0, 100, MEMORY_BYTES, stop_asked,
                                                      &stopper,
                                                      &result, &err);

        if (status == SNAP_OK)
            break;
        assert_int_equal(status, SNAP_E_STOPPED);
        assert_int_equal(err.status, SNAP_E_STOPPED);
    }
    assert_true(at >= 2);
    bench_free(&bench);
}

/* Small where the first difference is near: what lies behind it is not read. */
static void test_stops_at_the_first_difference(void **state)
{
    struct bench bench = bench_new(fixture_random_store(3, 2048, 40, 2048 * 50, false));

    (void)state;
    memcpy(io_mem_bytes(bench.origin_mem), bench.fixture.origin, bench.fixture.origin_bytes);
    assert_false(equal(&bench, 0, 40, 512 << 20));
    assert_true(io_fault_count(bench.origin, IO_FAULT_READ) <= 16);
    bench_free(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_equal_and_not),
        cmocka_unit_test(test_one_bit),
        cmocka_unit_test(test_many_loads),
        cmocka_unit_test(test_behind_the_end),
        cmocka_unit_test(test_read_errors),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stops_at_the_first_difference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

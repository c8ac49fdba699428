/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries are read from where the format puts them, whatever the chunk, the block and the range. */
#include "lib/store/list_read.h"

#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

static void test_entry_offsets(void **state)
{
    struct snap_io *io = io_mem_new("cow", 4096, 512, true);
    uint64_t random = 5;

    (void)state;
    for (uint64_t chunk_sectors = 1; chunk_sectors <= 2097152; chunk_sectors *= 2) {
        struct snap_store store = fixture_store_over(io, chunk_sectors);
        uint64_t per_area = 32 * chunk_sectors;

        assert_int_equal(snap_list_read_offset_bytes(&store, 0), chunk_sectors * 512);
        assert_int_equal(snap_list_read_offset_bytes(&store, per_area - 1), chunk_sectors * 1024 - 16);
        assert_int_equal(snap_list_read_offset_bytes(&store, per_area), (per_area + 2) * chunk_sectors * 512);
        for (int i = 0; i < 100; i++) {
            uint64_t index = unit_random(&random, UINT64_C(1) << 30);

            assert_int_equal(snap_list_read_offset_bytes(&store, index),
                             format_entry_offset(chunk_sectors, index));
        }
        assert_true(snap_list_read_offset_bytes(&store, UINT64_MAX) == UINT64_MAX);
    }
    must_close(io);
}

static void expect_entries(const struct snap_store *store, const struct fixture *fixture, uint64_t first,
                           uint64_t count)
{
    struct snap_entry *entries = fixture_alloc(count + 1, sizeof *entries);

    entries[count].old_chunk = 4711;
    must(snap_list_read_entries(store, first, count, entries, NULL));
    assert_memory_equal(entries, fixture->entries + first, count * sizeof *entries);
    assert_int_equal(entries[count].old_chunk, 4711);
    free(entries);
}

static void test_read_entries_everywhere(void **state)
{
    (void)state;
    for (uint32_t block_bytes = 512; block_bytes <= 4096; block_bytes *= 8) {
        for (uint64_t chunk_sectors = 1; chunk_sectors <= 8; chunk_sectors *= 8) {
            struct fixture fixture = fixture_random_store(3, chunk_sectors, chunk_sectors == 1 ? 100 : 600, 9000, true);
            struct snap_io *io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, block_bytes);
            struct snap_store store = fixture_store_over(io, chunk_sectors);
            uint64_t step = chunk_sectors == 1 ? 3 : 37;

            for (uint64_t first = 0; first < fixture.count; first += step) {
                for (uint64_t count = 0; first + count <= fixture.count; count += step)
                    expect_entries(&store, &fixture, first, count);
            }
            expect_entries(&store, &fixture, 0, fixture.count);
            must_close(io);
            fixture_free(&fixture);
        }
    }
}

static void test_read_entries_many_areas(void **state)
{
    struct fixture fixture = fixture_random_store(4, 1, 32 * 700 + 5, 40000, false); /* more than one vector */
    struct snap_io *io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    struct snap_store store = fixture_store_over(io, 1);

    (void)state;
    expect_entries(&store, &fixture, 0, fixture.count);
    expect_entries(&store, &fixture, 31, fixture.count - 31);
    must_close(io);
    fixture_free(&fixture);
}

/* Chunks of 4 MiB: 262144 entries in one area, read in pieces of 1 MiB. Numbers need not make sense here. */
static void test_read_entries_large_chunk(void **state)
{
    const uint64_t chunk_sectors = 8192;
    struct fixture fixture = fixture_new(chunk_sectors, 0, 1, 8); /* header, area 0, one chunk */
    struct recorder *recorder = recorder_new();
    static const uint64_t counts[] = {1, 255, 65535, 65536, 65537, 131073, 262144 - 7};
    const struct record_operation *log;
    struct snap_store store;
    struct snap_io *io;
    size_t operations;

    (void)state;
    free(fixture.entries);
    fixture.count = 262144;
    fixture.entries = fixture_alloc(fixture.count, sizeof *fixture.entries);
    for (size_t i = 0; i < fixture.count; i++) {
        fixture.entries[i] = (struct snap_entry){i * UINT64_C(0x0123456789abcdef), ~(uint64_t)i};
        format_put_entry(fixture.cow, chunk_sectors, i, fixture.entries[i].old_chunk, fixture.entries[i].new_chunk);
    }
    io = io_record_new(recorder, "cow", fixture.cow, fixture.cow_bytes, 4096, true);
    store = fixture_store_over(io, chunk_sectors);
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        expect_entries(&store, &fixture, 7, counts[i]);
    expect_entries(&store, &fixture, 262143, 1);
    expect_entries(&store, &fixture, 0, 262144);
    log = recorder_log(recorder, &operations);
    assert_true(operations > 0);
    for (size_t i = 0; i < operations; i++) {
        assert_int_equal(log[i].kind, RECORD_READ);
        assert_int_equal((log[i].offset_bytes | log[i].length_bytes) % 4096, 0);
        assert_true(log[i].length_bytes <= 1 << 20);
    }
    recorder_log_clear(recorder);
    expect_entries(&store, &fixture, 256, 512); /* whole blocks: no more than what was asked for */
    log = recorder_log(recorder, &operations);
    assert_int_equal(operations, 1);
    assert_int_equal(log[0].offset_bytes, fixture.chunk_bytes + 4096);
    assert_int_equal(log[0].length_bytes, 8192);
    must_close(io);
    recorder_free(recorder);
    fixture_free(&fixture);
}

static void test_read_entries_failures(void **state)
{
    struct fixture fixture = fixture_random_store(3, 1, 100, 900, false);
    struct snap_io *io = io_fault_new(fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512), NULL);
    struct snap_store store = fixture_store_over(io, 1);
    struct snap_error err = {.status = SNAP_OK};
    struct snap_entry entries[200];

    (void)state;
    assert_int_equal(snap_list_read_entries(&store, 90, 60, entries, &err), SNAP_E_INTERNAL);
    assert_int_equal(snap_list_read_entries(&store, UINT64_MAX - 5, 2, entries, &err), SNAP_E_INTERNAL);
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                        .offset_bytes = format_area_offset(1, 2), .length_bytes = 512});
    must(snap_list_read_entries(&store, 0, 64, entries, &err));
    assert_int_equal(snap_list_read_entries(&store, 0, 65, entries, &err), SNAP_E_IO);
    assert_non_null(strstr(err.text, "cow"));
    must_close(io);
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_entry_offsets),
        cmocka_unit_test(test_read_entries_everywhere),
        cmocka_unit_test(test_read_entries_many_areas),
        cmocka_unit_test(test_read_entries_large_chunk),
        cmocka_unit_test(test_read_entries_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

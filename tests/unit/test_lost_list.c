/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that a list is found without its header, whatever its chunks, and that what is no list is not taken for one. */
#include "lib/check/lost_list.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

static struct snap_lost_list find(struct snap_io *io)
{
    struct snap_error err = {.text = ""};
    struct snap_lost_list lost;

    assert_ok(snap_lost_list_find(io, &lost, &err), &err);
    return lost;
}

/* A device with a list and no header; there is room for `spare` chunks more. */
static struct snap_io *headless(uint32_t chunk_sectors, uint64_t entries, uint64_t spare)
{
    const uint64_t chunks = 3 + entries + entries / format_per_area(chunk_sectors) + spare;
    struct snap_io *io = list_new(chunk_sectors, chunks * chunk_sectors);

    memset(io_mem_bytes(io), 0, 16);
    list_put_canonical(io, chunk_sectors, 0, entries, 1, 3);
    return io;
}

static void assert_none(struct snap_io *io)
{
    assert_int_equal(find(io).chunk_sectors, 0);
}

static void each_chunk_size_and_length_is_found(void **state)
{
    static const uint64_t lengths[] = {1, 2, 15, 16, 31, 32, 33, 255, 256, 257, 600};

    (void)state;
    for (uint32_t chunk_sectors = 1; chunk_sectors <= 64; chunk_sectors *= 2) {
        for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
            struct snap_io *io = headless(chunk_sectors, lengths[i], 10);
            const struct snap_lost_list lost = find(io);

            assert_int_equal(lost.chunk_sectors, chunk_sectors);
            assert_int_equal(lost.entries, lengths[i]);
            assert_true(lost.all);
            assert_int_equal(lost.in_place, lost.seen_entries);
            list_close(io);
        }
    }
}

static void the_largest_chunks_are_found(void **state)
{
    struct snap_io *io = headless(8192, 3, 1);

    (void)state;
    assert_int_equal(find(io).chunk_sectors, 8192);
    list_close(io);
}

/* The list is there, but where a store with other chunks would have it: nothing is where it should be. */
static void data_that_hold_a_list_do_not_outdo_the_list(void **state)
{
    struct snap_io *io = headless(8, 300, 10);

    (void)state;
    list_put_canonical(io, 16, 0, 10, 5, 1); /* in the first data chunk */
    assert_int_equal(find(io).chunk_sectors, 8);
    list_close(io);
}

static void kernels_before_3_13_gave_chunks_in_another_order_and_lost_some(void **state)
{
    struct snap_io *io = headless(8, 0, 200);

    (void)state;
    for (uint64_t i = 0; i < 60; i++)
        list_put(io, 8, i, 7 * i, 2 + (i ^ 3) + i / 16);
    assert_int_equal(find(io).entries, 60);
    assert_true(find(io).in_place < 30);
    list_close(io);
}

static void an_empty_list_is_none(void **state)
{
    struct snap_io *io = headless(8, 0, 100);

    (void)state;
    assert_none(io);
    memset(io_mem_bytes(io) + 4096, 0xff, 4096);
    assert_none(io);
    list_close(io);
}

/* One thing is wrong with each. */
static void what_only_looks_like_a_list_is_none(void **state)
{
    struct snap_io *io = headless(8, 5, 100);

    (void)state;
    list_put(io, 8, 7, 1, 9); /* behind an end */
    assert_none(io);
    list_put(io, 8, 7, 0, 0);
    assert_int_equal(find(io).entries, 5);
    list_put(io, 8, 2, 9, 5); /* not in its place, and too few others */
    assert_none(io);
    list_put(io, 8, 2, UINT64_MAX / 2, 4); /* no origin is as large */
    assert_none(io);
    list_put(io, 8, 2, 1, 4); /* a chunk that the first one has */
    assert_none(io);
    list_close(io);

    io = headless(8, 100, 0);
    assert_int_equal(find(io).entries, 100);
    list_put(io, 8, 50, 9999, 103); /* behind the end of the device */
    assert_none(io);
    list_close(io);
}

static void numbers_in_a_row_are_no_list(void **state)
{
    struct snap_io *io = headless(8, 0, 3000);
    uint8_t *bytes = io_mem_bytes(io);

    (void)state;
    for (uint64_t first = 0; first < 8; first++) {
        for (uint64_t step = 1; step < 4; step++) {
            for (uint64_t i = 0; i < 1024; i++)
                snap_put_le64(bytes + format_area_offset(8, 0) + i * 8, first + i * step);
            assert_none(io);
            for (uint64_t i = 0; i < 2048; i++)
                snap_put_le32(bytes + format_area_offset(8, 0) + i * 4, (uint32_t)(first + i * step));
            assert_none(io);
        }
    }
    list_close(io);
}

static void random_data_are_no_list(void **state)
{
    struct snap_io *io = headless(8, 0, 1000);
    uint64_t seed = 3;

    (void)state;
    for (unsigned run = 0; run < 200; run++) {
        /* Small numbers and many zeros look more like a list than what is random in all bits. */
        for (uint64_t i = 0; i < 20000; i++)
            snap_put_le64(io_mem_bytes(io) + i * 8, run < 20 ? unit_random(&seed, UINT64_MAX)
                                                             : unit_random(&seed, run) * unit_random(&seed, 2));
        assert_none(io);
    }
    list_close(io);
}

static void small_devices_have_none(void **state)
{
    (void)state;
    for (uint64_t sectors = 1; sectors <= 40; sectors++) {
        struct snap_io *io = io_mem_new("small", sectors * 512, 512, true);

        memset(io_mem_bytes(io), 0x5a, sectors * 512);
        assert_none(io);
        list_close(io);
    }
}

static void what_cannot_be_read_is_no_list(void **state)
{
    const struct io_fault bad_sectors = {
        .kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = 4096, .length_bytes = 4096};
    struct snap_io *io = io_fault_new(headless(8, 20, 100), NULL);

    (void)state;
    io_fault_add(io, &bad_sectors);
    assert_none(io);
    io_fault_clear(io);
    assert_int_equal(find(io).entries, 20);
    list_close(io);
}

struct count {
    uint64_t read_bytes;
};

static void count_operation(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    struct count *count = context;

    (void)recorder;
    assert_int_equal(operation->kind, RECORD_READ);
    count->read_bytes += operation->length_bytes;
}

/* However long the list is: it is counted up to a limit, and that is said. */
static void a_search_reads_a_fixed_amount(void **state)
{
    static const uint64_t lengths[] = {1000, SNAP_LOST_LIST_ENTRIES_MAX - 1, SNAP_LOST_LIST_ENTRIES_MAX + 300};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct snap_io *memory = headless(1, lengths[i], 10);
        struct recorder *recorder = recorder_new();
        struct snap_io *io =
            io_record_new(recorder, "cow", io_mem_bytes(memory), memory->size_bytes, 512, false);
        struct count count = {0};
        struct snap_lost_list lost;

        recorder_on_operation(recorder, count_operation, &count);
        lost = find(io);
        assert_int_equal(lost.all, lengths[i] < SNAP_LOST_LIST_ENTRIES_MAX);
        assert_true(lost.entries >= (lost.all ? lengths[i] : SNAP_LOST_LIST_ENTRIES_MAX));
        assert_true(lost.entries <= lengths[i]);
        assert_in_range(count.read_bytes, 1, SNAP_LOST_LIST_READ_BYTES_MAX);
        must_close(io);
        recorder_free(recorder);
        list_close(memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_chunk_size_and_length_is_found),
        cmocka_unit_test(the_largest_chunks_are_found),
        cmocka_unit_test(data_that_hold_a_list_do_not_outdo_the_list),
        cmocka_unit_test(kernels_before_3_13_gave_chunks_in_another_order_and_lost_some),
        cmocka_unit_test(an_empty_list_is_none),
        cmocka_unit_test(what_only_looks_like_a_list_is_none),
        cmocka_unit_test(numbers_in_a_row_are_no_list),
        cmocka_unit_test(random_data_are_no_list),
        cmocka_unit_test(small_devices_have_none),
        cmocka_unit_test(what_cannot_be_read_is_no_list),
        cmocka_unit_test(a_search_reads_a_fixed_amount),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that a list is found without its header, whatever its chunks, and that what is no list is not taken for one. */
#include "lib/check/lost_list.h"
#include "lib/base/arith.h"
#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

static struct snap_lost_list find(struct snap_io *io)
{
    struct snap_error err = {.text = ""};
    struct snap_lost_list lost;

    assert_ok(snap_lost_list_find(io, 0, &lost, &err), &err);
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

/* Too much is wrong with each. */
static void what_only_looks_like_a_list_is_none(void **state)
{
    struct snap_io *io = headless(8, 5, 100);

    (void)state;
    list_put(io, 8, 7, 1, 9); /* behind an end, with a chunk that the first one has */
    assert_none(io);
    list_put(io, 8, 7, 0, 0);
    assert_int_equal(find(io).entries, 5);
    list_put(io, 8, 1, 9, 50);
    list_put(io, 8, 2, 9, 5); /* two of five are not in their place */
    assert_none(io);
    list_close(io);

    io = headless(8, 3, 100);
    list_put(io, 8, 1, 9, 50); /* one of three */
    assert_none(io);
    list_close(io);

    io = headless(8, 100, 100);
    for (uint64_t i = 0; i < 26; i++)
        list_put(io, 8, 3 * i, UINT64_MAX / 2, 2 + 3 * i); /* no origin is as large */
    assert_none(io);
    list_close(io);
}

/* How one entry can be damaged: its chunks are no number of an entry, or another one has them. */
static void a_list_with_a_damaged_entry_is_found_and_what_speaks_against_it_is_counted(void **state)
{
    static const struct snap_entry damaged[] = {
        {UINT64_MAX / 2, 4}, {1, 4}, {7, 1}, {7, 5}, {7, 258}, {7, UINT64_C(4) << 56}, {7, UINT64_MAX}, {7, 99999},
    };
    static const uint64_t lengths[] = {5, 100, 300};

    (void)state;
    for (size_t length = 0; length < sizeof lengths / sizeof lengths[0]; length++) {
        for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
            struct snap_io *io = headless(8, lengths[length], 100);
            struct snap_lost_list lost;

            list_put(io, 8, 2, damaged[i].old_chunk, damaged[i].new_chunk);
            lost = find(io);
            assert_int_equal(lost.chunk_sectors, 8);
            assert_int_equal(lost.entries, lengths[length]);
            assert_true(lost.all);
            assert_int_equal(lost.in_place, lost.seen_entries - 1);
            assert_int_equal(lost.against, 1);
            assert_int_equal(lost.rival_chunk_sectors, 0);
            list_close(io);
        }
    }
}

static void several_damaged_entries_are_outvoted_up_to_one_in_four(void **state)
{
    struct snap_io *io = headless(8, 100, 100);

    (void)state;
    for (uint64_t i = 0; i < 25; i++) {
        list_put(io, 8, 4 * i, i, UINT64_MAX - i);
        assert_int_equal(find(io).against, i + 1);
        assert_int_equal(find(io).entries, 100);
    }
    list_put(io, 8, 5, 1, 0x1234567);
    assert_none(io);
    list_close(io);
}

/* In the order of an old kernel less says that it is a list: fewer may be damaged. */
static void a_list_of_an_old_kernel_may_have_a_damaged_entry(void **state)
{
    struct snap_io *io = headless(8, 0, 200);

    (void)state;
    for (uint64_t i = 0; i < 64; i++)
        list_put(io, 8, i, 7 * i, 2 + (i ^ 3));
    for (uint64_t i = 0; i < 4; i++) {
        list_put(io, 8, 9 * i, 7 * 9 * i, UINT64_MAX);
        assert_int_equal(find(io).against, i + 1);
    }
    list_put(io, 8, 50, 7 * 50, 1);
    assert_none(io);
    list_close(io);
}

/* Its number was zeroed, so that a list ends there: with a short one this is seen by what stands behind it. */
static void the_entries_behind_one_that_was_emptied_are_seen(void **state)
{
    (void)state;
    for (uint64_t emptied = 0; emptied < 8; emptied++) {
        struct snap_io *io = headless(8, 8, 100);
        struct snap_lost_list lost;

        list_put(io, 8, emptied, 5, 0);
        lost = find(io);
        assert_int_equal(lost.chunk_sectors, 8);
        assert_int_equal(lost.in_place, 7);
        assert_int_equal(lost.entries, 7);
        list_close(io);
    }
}

/* What an entry names behind the end of the device was there. */
static void a_device_that_was_cut_still_has_its_list(void **state)
{
    static const uint32_t chunk_sectors[] = {1, 8};

    (void)state;
    for (size_t i = 0; i < sizeof chunk_sectors / sizeof chunk_sectors[0]; i++) {
        struct snap_io *whole = headless(chunk_sectors[i], 600, 10);
        struct snap_io *io = io_mem_new("cut", UINT64_C(40) * chunk_sectors[i] * 512, 512, true);
        struct snap_lost_list lost;

        memcpy(io_mem_bytes(io), io_mem_bytes(whole), (size_t)io->size_bytes);
        lost = find(io);
        assert_int_equal(lost.chunk_sectors, chunk_sectors[i]);
        assert_int_equal(lost.in_place, lost.seen_entries);
        assert_int_equal(lost.against, 0);
        assert_int_equal(lost.entries, chunk_sectors[i] == 1 ? 64 : 256);
        assert_false(lost.all);
        list_close(whole);
        list_close(io);
    }
}

static void of_two_sizes_that_make_sense_none_is_guessed(void **state)
{
    struct snap_io *io = headless(8, 40, 200);
    struct snap_error err = {.text = ""};
    struct snap_lost_list lost;

    (void)state;
    list_put_canonical(io, 16, 0, 10, 5, 1); /* in the first data chunk: a quarter of what speaks for the other */
    assert_int_equal(find(io).chunk_sectors, 8);
    assert_int_equal(find(io).rival_chunk_sectors, 16);
    list_put_canonical(io, 16, 0, 60, 5, 1);
    assert_int_equal(find(io).chunk_sectors, 16);
    assert_int_equal(find(io).rival_chunk_sectors, 8);
    assert_ok(snap_lost_list_find(io, 8, &lost, &err), &err);
    assert_int_equal(lost.chunk_sectors, 8);
    assert_int_equal(lost.rival_chunk_sectors, 0);
    assert_ok(snap_lost_list_find(io, 32, &lost, &err), &err);
    assert_int_equal(lost.chunk_sectors, 0);
    list_close(io);
}

static struct snap_lost_list find_later(struct snap_io *io, uint32_t asked_sectors)
{
    struct snap_error err = {.text = ""};
    struct snap_lost_list lost;

    assert_ok(snap_lost_list_find_later(io, asked_sectors, &lost, &err), &err);
    return lost;
}

static void later_areas_are_found_where_the_first_ones_are_gone(void **state)
{
    (void)state;
    for (uint32_t chunk_sectors = 1; chunk_sectors <= 64; chunk_sectors *= 8) {
        const uint64_t per_area = format_per_area(chunk_sectors);
        struct snap_io *io = headless(chunk_sectors, 2 * per_area + 20, 10);
        struct snap_lost_list lost;

        for (uint64_t area = 1; area <= 2; area++) {
            memset(io_mem_bytes(io) + format_area_offset(chunk_sectors, area - 1), 0, chunk_sectors * 512u);
            assert_none(io);
            lost = find_later(io, 0);
            assert_int_equal(lost.chunk_sectors, chunk_sectors);
            assert_int_equal(lost.rival_chunk_sectors, 0);
            assert_int_equal(lost.area, area);
            assert_int_equal(lost.area_offset_bytes, format_area_offset(chunk_sectors, area));
            assert_int_equal(lost.gone_entries, area * per_area);
            assert_int_equal(lost.entries, (2 - area) * per_area + 20);
            assert_true(lost.all);
            assert_int_equal(lost.seen_entries, area == 2 ? 20 : snap_min(per_area, 256));
            assert_int_equal(lost.in_place, lost.seen_entries);
            assert_int_equal(find_later(io, 2 * chunk_sectors).chunk_sectors, 0);
        }
        /* 15 entries are too few; and what stands in the place of area 0 must be zeros. */
        for (uint64_t index = 2 * per_area + 15; index < 2 * per_area + 20; index++)
            list_put(io, chunk_sectors, index, 0, 0);
        assert_int_equal(find_later(io, 0).chunk_sectors, 0);
        list_put_canonical(io, chunk_sectors, 2 * per_area, 20, 7, 3);
        assert_int_equal(find_later(io, 0).chunk_sectors, chunk_sectors);
        io_mem_bytes(io)[format_area_offset(chunk_sectors, 0) + 9] = 1;
        assert_int_equal(find_later(io, 0).chunk_sectors, 0);
        list_close(io);
    }
}

static void a_byte_of_a_data_chunk_is_known_by_its_entry(void **state)
{
    struct snap_io *io = headless(8, 5, 100);
    struct snap_lost_list lost = find(io);
    uint64_t origin_byte = 0;

    (void)state;
    assert_true(snap_lost_list_origin_byte(io, &lost, 3 * 4096 + 77, &origin_byte));
    assert_int_equal(origin_byte, 4 * 4096 + 77); /* the second entry: old chunk 4 */
    assert_false(snap_lost_list_origin_byte(io, &lost, 7 * 4096, &origin_byte));
    assert_false(snap_lost_list_origin_byte(io, &lost, 1080, &origin_byte));
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
        cmocka_unit_test(a_list_with_a_damaged_entry_is_found_and_what_speaks_against_it_is_counted),
        cmocka_unit_test(several_damaged_entries_are_outvoted_up_to_one_in_four),
        cmocka_unit_test(a_list_of_an_old_kernel_may_have_a_damaged_entry),
        cmocka_unit_test(the_entries_behind_one_that_was_emptied_are_seen),
        cmocka_unit_test(a_device_that_was_cut_still_has_its_list),
        cmocka_unit_test(of_two_sizes_that_make_sense_none_is_guessed),
        cmocka_unit_test(later_areas_are_found_where_the_first_ones_are_gone),
        cmocka_unit_test(a_byte_of_a_data_chunk_is_known_by_its_entry),
        cmocka_unit_test(numbers_in_a_row_are_no_list),
        cmocka_unit_test(random_data_are_no_list),
        cmocka_unit_test(small_devices_have_none),
        cmocka_unit_test(what_cannot_be_read_is_no_list),
        cmocka_unit_test(a_search_reads_a_fixed_amount),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

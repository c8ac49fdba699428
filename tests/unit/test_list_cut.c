/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shortening a list, held against the exact list of requests and the image that each leaves. */
#include "lib/store/list_cut.h"

#include "lib/base/arith.h"
#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <inttypes.h>
#include <stdio.h>

/* Against the definition: m mod EPA lies in the last unit of its area. */
static void test_single_cut(void **state)
{
    static const struct {
        uint64_t chunk_sectors;
        uint32_t block_bytes;
    } cases[] = {{1, 512}, {2, 512}, {4, 512}, {8, 512}, {8, 4096}, {16, 4096}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_io *io = io_mem_new("cow", 8192, cases[i].block_bytes, true);
        struct snap_store store = fixture_store_over(io, cases[i].chunk_sectors);
        uint64_t per_area = 32 * cases[i].chunk_sectors;
        uint64_t unit_entries = cases[i].block_bytes / 16;

        for (uint64_t lowest = 0; lowest <= 2 * per_area + 1; lowest++) {
            uint64_t cut = lowest;

            while (cut % per_area / unit_entries != per_area / unit_entries - 1)
                cut++;
            for (uint64_t length = lowest + 1; length <= lowest + per_area + 1; length++) {
                uint64_t expected = cut < length ? cut : length;

                assert_int_equal(snap_list_cut_single(&store, lowest, length), expected);
                if (expected < length)
                    assert_int_equal(snap_list_cut_units(&store, length, expected), 1);
            }
        }
        must_close(io);
    }
}

/* An image of odd bytes in every entry, dead ones included; no store reader shall be asked what they mean. */
static uint8_t *odd_image(uint64_t size_bytes)
{
    uint8_t *image = fixture_alloc(1, size_bytes);

    for (uint64_t i = 0; i < size_bytes; i++)
        image[i] = (uint8_t)(1 + (i * 7 + i / 512 * 13) % 255);
    return image;
}

/* One cut: the exact operations, worked out slot by slot, and the image that they leave. */
static void check_shorten(uint64_t chunk_sectors, uint32_t block_bytes, uint64_t length, uint64_t new_length)
{
    const uint64_t per_area = 32 * chunk_sectors;
    const uint64_t size_bytes = format_area_offset(chunk_sectors, length / per_area) + 2 * chunk_sectors * 512;
    uint8_t *before = odd_image(size_bytes), *after;
    struct recorder *recorder = recorder_new();
    struct snap_io *io = io_record_new(recorder, "cow", before, size_bytes, block_bytes, true);
    struct snap_store store = fixture_store_over(io, chunk_sectors);
    struct snap_list_cut_counts counts = {0};
    char expected[8192] = "", *text;
    uint64_t units = 0, slot = length - 1;

    /* The unit that stays in part is read before anything is written. */
    snprintf(expected, sizeof expected, "cow read %" PRIu64 " %u\n",
             format_entry_offset(chunk_sectors, new_length * 16 / block_bytes * block_bytes / 16), block_bytes);
    /* The last live slot of the area of the new end; then whole units towards its terminator. */
    while (slot / per_area != new_length / per_area)
        slot--;
    for (uint64_t unit = slot * 16 / block_bytes * block_bytes / 16;; unit -= block_bytes / 16) {
        uint64_t offset = format_entry_offset(chunk_sectors, unit);
        bool last = unit <= new_length;
        size_t used = strlen(expected);

        snprintf(expected + used, sizeof expected - used, "cow write %" PRIu64 " %u\ncow flush\n", offset,
                 block_bytes);
        if (last) {
            memset(before + format_entry_offset(chunk_sectors, new_length), 0, (unit - new_length) * 16 + block_bytes);
        } else {
            memset(before + offset, 0, block_bytes);
        }
        units++;
        if (last)
            break;
    }
    assert_int_equal(snap_list_cut_units(&store, length, new_length), units);
    must(snap_list_cut(&store, length, new_length, &counts, NULL));
    text = recorder_log_text(recorder, true);
    assert_string_equal(text, expected);
    assert_int_equal(counts.flushes, units);
    assert_int_equal(counts.written_bytes, units * block_bytes);
    after = fixture_recorded(recorder, "cow");
    assert_memory_equal(after, before, size_bytes);
    must_close(io);
    recorder_free(recorder);
    free(text);
    free(before);
    free(after);
}

static void test_shorten(void **state)
{
    (void)state;
    for (uint64_t length = 1; length <= 70; length++) {
        for (uint64_t new_length = 0; new_length < length; new_length++)
            check_shorten(1, 512, length, new_length);
    }
    for (uint64_t length = 1; length <= 140; length += 9) {
        for (uint64_t new_length = 0; new_length < length; new_length += 3)
            check_shorten(2, 512, length, new_length);
    }
    for (uint64_t length = 1; length <= 600; length += 101) {
        for (uint64_t new_length = 0; new_length < length; new_length += 37) {
            check_shorten(8, 512, length, new_length);
            check_shorten(8, 4096, length, new_length);
        }
    }
    check_shorten(8, 512, 256, 0);
    check_shorten(8, 512, 257, 256);
    check_shorten(8, 512, 256, 255);
    check_shorten(8, 512, 512, 224);
    check_shorten(16, 4096, 512, 0);
}

static void test_shorten_refuses(void **state)
{
    struct recorder *recorder = recorder_new();
    struct snap_io *io = io_record_new(recorder, "cow", NULL, 65536, 512, true);
    struct snap_store store = fixture_store_over(io, 1);
    struct snap_list_cut_counts counts = {0};
    struct snap_error err = {.status = SNAP_OK};
    size_t operations;

    (void)state;
    assert_int_equal(snap_list_cut_units(&store, 5, 5), 0);
    assert_int_equal(snap_list_cut(&store, 5, 5, &counts, &err), SNAP_E_INTERNAL);
    assert_int_equal(snap_list_cut(&store, 5, 6, &counts, &err), SNAP_E_INTERNAL);
    assert_int_equal(snap_list_cut(&store, 0, 0, &counts, &err), SNAP_E_INTERNAL);
    (void)recorder_log(recorder, &operations);
    assert_int_equal(operations, 0);
    assert_int_equal(counts.flushes + counts.written_bytes, 0);
    must_close(io);
    recorder_free(recorder);
}

/* 8 units: a failure of any step ends it at once, and the counts tell what was done. */
static void test_shorten_failures(void **state)
{
    static const enum io_fault_kind kinds[] = {IO_FAULT_READ, IO_FAULT_WRITE, IO_FAULT_FLUSH};

    (void)state;
    for (size_t k = 0; k < 3; k++) {
        for (uint64_t at = 0; at < (kinds[k] == IO_FAULT_READ ? 1 : 8); at++) {
            struct snap_io *io = io_fault_new(io_mem_new("cow", 65536, 512, true), NULL);
            struct snap_store store = fixture_store_over(io, 8);
            struct snap_list_cut_counts counts = {0};
            struct snap_error err = {.status = SNAP_OK};
            uint64_t whole = kinds[k] == IO_FAULT_READ ? 0 : at;

            io_fault_add(io, &(struct io_fault){.kind = kinds[k], .at = at});
            assert_int_equal(snap_list_cut(&store, 256, 3, &counts, &err), SNAP_E_IO);
            assert_int_equal(err.status, SNAP_E_IO);
            assert_int_equal(io_fault_count(io, IO_FAULT_WRITE), whole + (kinds[k] != IO_FAULT_READ));
            assert_int_equal(io_fault_count(io, IO_FAULT_FLUSH), whole + (kinds[k] == IO_FAULT_FLUSH));
            assert_int_equal(counts.flushes, io_fault_count(io, IO_FAULT_FLUSH));
            assert_int_equal(counts.written_bytes, (whole + (kinds[k] == IO_FAULT_FLUSH)) * 512);
            must_close(io);
        }
    }
}

static void check_zero_areas(uint64_t chunk_sectors, uint64_t areas, uint64_t first_area, uint64_t count)
{
    const uint64_t chunk_bytes = chunk_sectors * 512, per_area = 32 * chunk_sectors;
    const uint64_t piece_bytes = snap_min(chunk_bytes, 4 << 20);
    const uint64_t size_bytes = areas > 1 ? (2 + (per_area + 1) * (areas - 1)) * chunk_bytes : 2 * chunk_bytes;
    uint8_t *before = odd_image(size_bytes), *after;
    struct recorder *recorder = recorder_new();
    struct snap_io *io = io_record_new(recorder, "cow", before, size_bytes, 512, true);
    struct snap_store store = fixture_store_over(io, chunk_sectors);
    const struct record_operation *log;
    size_t operations, at = 0;

    must(snap_list_cut_zero_areas(&store, first_area, count, NULL));
    log = recorder_log(recorder, &operations);
    assert_int_equal(operations, count * (chunk_bytes / piece_bytes));
    for (uint64_t area = first_area + count; area-- > first_area;) {
        uint64_t offset = format_area_offset(chunk_sectors, area);

        for (uint64_t piece = 0; piece < chunk_bytes; piece += piece_bytes, at++) {
            assert_int_equal(log[at].kind, RECORD_WRITE);
            assert_int_equal(log[at].offset_bytes, offset + piece);
            assert_int_equal(log[at].length_bytes, piece_bytes);
        }
        memset(before + offset, 0, chunk_bytes);
    }
    after = fixture_recorded(recorder, "cow");
    assert_memory_equal(after, before, size_bytes);
    must_close(io);
    recorder_free(recorder);
    free(before);
    free(after);
}

static void test_zero_areas(void **state)
{
    (void)state;
    check_zero_areas(1, 5, 1, 0);
    check_zero_areas(1, 5, 1, 1);
    check_zero_areas(1, 5, 4, 1);
    check_zero_areas(1, 5, 1, 3);
    check_zero_areas(1, 70, 2, 63); /* a vector holds 64 requests */
    check_zero_areas(1, 70, 2, 64);
    check_zero_areas(1, 70, 2, 65);
    check_zero_areas(8, 3, 1, 2);
    check_zero_areas(16384, 1, 0, 1); /* 8 MiB in two pieces */
}

static void test_zero_areas_failure(void **state)
{
    struct snap_io *io = io_fault_new(io_mem_new("cow", 512 * 33 * 140, 512, true), NULL);
    struct snap_store store = fixture_store_over(io, 1);
    struct snap_error err = {.text = ""};
    uint8_t sector[512];

    (void)state;
    for (uint64_t area = 1; area <= 130; area++)
        must(snap_io_write(io, (1 + 33 * area) * 512, 512, memset(sector, 0xa5, 512), NULL));
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_WRITE, .at = 130 + 10});
    assert_int_equal(snap_list_cut_zero_areas(&store, 1, 130, &err), SNAP_E_IO);
    assert_non_null(strstr(err.text, "cow: "));
    /* The others as well: highest first, so not area 120. */
    assert_int_equal(io_fault_count(io, IO_FAULT_WRITE), 2 * 130);
    for (uint64_t area = 1; area <= 130; area++) {
        must(snap_io_read(io, (1 + 33 * area) * 512, 512, sector, NULL));
        assert_int_equal(sector[0], area == 120 ? 0xa5 : 0);
    }
    assert_int_equal(io_fault_count(io, IO_FAULT_FLUSH), 0);
    must_close(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_cut),
        cmocka_unit_test(test_shorten),
        cmocka_unit_test(test_shorten_refuses),
        cmocka_unit_test(test_shorten_failures),
        cmocka_unit_test(test_zero_areas),
        cmocka_unit_test(test_zero_areas_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

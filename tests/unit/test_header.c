/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Header, areas and shortening of a store, held against the format and the exact list of requests. */
#include "lib/store/header.h"

#include "lib/base/arith.h"
#include "tests/support/io_fault.h"
#include "tests/unit/store_fixture.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#define MAGIC 0x70416e53u

static void must(enum snap_status status)
{
    assert_int_equal(status, SNAP_OK);
}

static void must_close(struct snap_io *io)
{
    must(snap_io_close(io, NULL));
}

/* A store object over `io` without the way through its header. */
static struct snap_store store_over(struct snap_io *io, uint64_t chunk_sectors)
{
    struct snap_store store = {.io = io};

    must(snap_layout_init(&store.layout, chunk_sectors, io->size_bytes / 512, NULL));
    return store;
}

static void test_header_defects(void **state)
{
    static const struct {
        uint32_t magic, valid, version, chunk_sectors;
        uint64_t size_bytes;
        enum snap_header_defect defect;
        enum snap_status status;
        const char *text;
    } cases[] = {
        {MAGIC, 1, 1, 8, 16384, SNAP_HEADER_GOOD, SNAP_OK, NULL},
        {MAGIC, 2, 1, 8, 16384, SNAP_HEADER_GOOD, SNAP_OK, NULL}, /* the kernel tests zero or not */
        {MAGIC, UINT32_MAX, 1, 1, 1024, SNAP_HEADER_GOOD, SNAP_OK, NULL},
        {MAGIC, 1, 1, 8, 8192, SNAP_HEADER_GOOD, SNAP_OK, NULL},
        {MAGIC, 1, 1, 8, 511, SNAP_HEADER_TOO_SMALL, SNAP_E_NOT_STORE, "511 bytes"},
        {MAGIC, 1, 1, 1, 512, SNAP_HEADER_NO_AREA, SNAP_E_CORRUPT, "1 sectors"},
        {0, 1, 1, 8, 16384, SNAP_HEADER_EMPTY, SNAP_E_NOT_STORE, "zero"},
        {0, 0, 7, 3, 16384, SNAP_HEADER_EMPTY, SNAP_E_NOT_STORE, "zero"},
        {0x536e4170, 1, 1, 8, 16384, SNAP_HEADER_MAGIC, SNAP_E_NOT_STORE, "0x536e4170"},
        {MAGIC ^ 1, 0, 7, 3, 16384, SNAP_HEADER_MAGIC, SNAP_E_NOT_STORE, "0x70416e52"},
        {MAGIC, 1, 0, 8, 16384, SNAP_HEADER_VERSION, SNAP_E_VERSION, "disk version 0"},
        {MAGIC, 0, 2, 3, 16384, SNAP_HEADER_VERSION, SNAP_E_VERSION, "disk version 2"}, /* before valid */
        {MAGIC, 0, 1, 8, 16384, SNAP_HEADER_INVALID, SNAP_E_INVALID, "valid is 0"},
        {MAGIC, 0, 1, 3, 16384, SNAP_HEADER_INVALID, SNAP_E_INVALID, "valid is 0"}, /* before the chunk size */
        {MAGIC, 0, 1, 8, 512, SNAP_HEADER_INVALID, SNAP_E_INVALID, "valid is 0"},
        {MAGIC, 1, 1, 0, 16384, SNAP_HEADER_CHUNK_SIZE, SNAP_E_CORRUPT, "chunk size of 0"},
        {MAGIC, 1, 1, 12, 16384, SNAP_HEADER_CHUNK_SIZE, SNAP_E_CORRUPT, "chunk size of 12"},
        {MAGIC, 1, 1, 4194304, 16384, SNAP_HEADER_CHUNK_SIZE, SNAP_E_CORRUPT, "chunk size of 4194304"},
        {MAGIC, 1, 1, 2097152, 16384, SNAP_HEADER_NO_AREA, SNAP_E_CORRUPT, "sector 4194304"},
        {MAGIC, 1, 1, 8, 8191, SNAP_HEADER_NO_AREA, SNAP_E_CORRUPT, "sector 16"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_io *io = io_mem_new("disk7", cases[i].size_bytes, 512, true);
        struct snap_error err = {.status = SNAP_OK};
        struct snap_store store;
        bool layout;

        if (cases[i].size_bytes >= 16)
            fixture_put_header(io_mem_bytes(io), cases[i].magic, cases[i].valid, cases[i].version,
                               cases[i].chunk_sectors);
        must(snap_header_read(&store, io, &err));
        assert_int_equal(store.defect, cases[i].defect);
        assert_int_equal(snap_header_fail_defect(&store, &err), cases[i].status);
        assert_int_equal(err.status, cases[i].status);
        if (cases[i].text) {
            assert_non_null(strstr(err.text, cases[i].text));
            assert_ptr_equal(strstr(err.text, "disk7: "), err.text);
        }
        assert_int_equal(snap_header_open(&store, io, NULL), cases[i].status);
        layout = store.defect == SNAP_HEADER_GOOD || store.defect == SNAP_HEADER_NO_AREA ||
                 (store.defect == SNAP_HEADER_INVALID && cases[i].chunk_sectors == 8);
        assert_int_equal(store.layout.chunk_sectors, layout ? cases[i].chunk_sectors : 0);
        must_close(io);
    }
}

static void test_header_unreadable(void **state)
{
    struct snap_io *io = io_fault_new(io_mem_new("disk7", 16384, 512, true), NULL);
    struct snap_error err = {.status = SNAP_OK};
    struct snap_store store;

    (void)state;
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ});
    assert_int_equal(snap_header_open(&store, io, &err), SNAP_E_IO);
    assert_int_equal(err.status, SNAP_E_IO);
    assert_non_null(strstr(err.text, "disk7"));
    must_close(io);
}

/* Where chunks are small, what follows the header is somebody's data: it does not stand in the header's way. */
static void test_header_alone(void **state)
{
    struct snap_io *io = io_fault_new(io_mem_new("disk7", 16384, 512, true), NULL);
    uint8_t header[512] = {0};
    struct snap_store store;

    (void)state;
    fixture_put_header(header, MAGIC, 1, 1, 1);
    must(snap_io_write(io, 0, sizeof header, header, NULL));
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .offset_bytes = 1024,
                                        .length_bytes = 512});
    must(snap_header_open(&store, io, NULL));
    must_close(io);
}

static void test_header_sector(void **state)
{
    struct snap_io *io = io_mem_new("cow", 8192, 512, true);
    struct snap_identity identity = {.origin_sectors = 77, .label = "home"};
    uint8_t *bytes = io_mem_bytes(io);
    struct snap_store store;

    (void)state;
    fixture_put_header(bytes, MAGIC, 1, 1, 1);
    bytes[512] = 1; /* not the header's sector */
    must(snap_header_open(&store, io, NULL));
    assert_int_equal(store.identity_state, SNAP_IDENTITY_NONE);
    assert_false(store.spare_bytes);
    for (unsigned at = 16; at < 512; at++) {
        bytes[at] = 1;
        must(snap_header_open(&store, io, NULL));
        assert_true(store.spare_bytes);
        bytes[at] = 0;
    }
    snap_codec_encode_record(&identity, bytes);
    must(snap_header_open(&store, io, NULL));
    assert_int_equal(store.identity_state, SNAP_IDENTITY_OK);
    assert_int_equal(store.identity.origin_sectors, 77);
    assert_string_equal(store.identity.label, "home");
    assert_false(store.spare_bytes);
    bytes[50]++;
    must(snap_header_open(&store, io, NULL));
    assert_int_equal(store.identity_state, SNAP_IDENTITY_DAMAGED);
    must_close(io);
}

static void test_entry_offsets(void **state)
{
    struct snap_io *io = io_mem_new("cow", 4096, 512, true);
    uint64_t random = 5;

    (void)state;
    for (uint64_t chunk_sectors = 1; chunk_sectors <= 2097152; chunk_sectors *= 2) {
        struct snap_store store = store_over(io, chunk_sectors);
        uint64_t per_area = 32 * chunk_sectors;

        assert_int_equal(snap_list_read_offset_bytes(&store, 0), chunk_sectors * 512);
        assert_int_equal(snap_list_read_offset_bytes(&store, per_area - 1), chunk_sectors * 1024 - 16);
        assert_int_equal(snap_list_read_offset_bytes(&store, per_area), (per_area + 2) * chunk_sectors * 512);
        for (int i = 0; i < 100; i++) {
            uint64_t index = fixture_random(&random, UINT64_C(1) << 30);

            assert_int_equal(snap_list_read_offset_bytes(&store, index),
                             fixture_entry_offset(chunk_sectors, index));
        }
        assert_true(snap_list_read_offset_bytes(&store, UINT64_MAX) == UINT64_MAX);
    }
    must_close(io);
}

static void expect_entries(const struct snap_store *store, const struct fixture *fixture, uint64_t first, uint64_t count)
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
            struct snap_store store = store_over(io, chunk_sectors);
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
    struct snap_store store = store_over(io, 1);

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
        fixture_put_entry(fixture.cow, chunk_sectors, i, fixture.entries[i].old_chunk, fixture.entries[i].new_chunk);
    }
    io = io_record_new(recorder, "cow", fixture.cow, fixture.cow_bytes, 4096, true);
    store = store_over(io, chunk_sectors);
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
    struct snap_store store = store_over(io, 1);
    struct snap_error err = {.status = SNAP_OK};
    struct snap_entry entries[200];

    (void)state;
    assert_int_equal(snap_list_read_entries(&store, 90, 60, entries, &err), SNAP_E_INTERNAL);
    assert_int_equal(snap_list_read_entries(&store, UINT64_MAX - 5, 2, entries, &err), SNAP_E_INTERNAL);
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                        .offset_bytes = fixture_area_offset(1, 2), .length_bytes = 512});
    must(snap_list_read_entries(&store, 0, 64, entries, &err));
    assert_int_equal(snap_list_read_entries(&store, 0, 65, entries, &err), SNAP_E_IO);
    assert_non_null(strstr(err.text, "cow"));
    must_close(io);
    fixture_free(&fixture);
}

static void test_units(void **state)
{
    static const struct {
        uint64_t chunk_sectors;
        uint32_t block_bytes;
        uint64_t unit_bytes;
    } cases[] = {{1, 512, 512}, {8, 512, 512}, {8, 4096, 4096}, {16, 4096, 4096}, {2048, 512, 512}, {1, 4096, 512}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_io *io = io_mem_new("cow", 8192, cases[i].block_bytes, true);
        struct snap_store store = store_over(io, cases[i].chunk_sectors);

        assert_int_equal(snap_list_cut_unit_bytes(&store), cases[i].unit_bytes);
        must_close(io);
    }
}

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
        struct snap_store store = store_over(io, cases[i].chunk_sectors);
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
    const uint64_t size_bytes = fixture_area_offset(chunk_sectors, length / per_area) + 2 * chunk_sectors * 512;
    uint8_t *before = odd_image(size_bytes), *after;
    struct recorder *recorder = recorder_new();
    struct snap_io *io = io_record_new(recorder, "cow", before, size_bytes, block_bytes, true);
    struct snap_store store = store_over(io, chunk_sectors);
    struct snap_shorten_counts counts = {0};
    char expected[8192] = "", *text;
    uint64_t units = 0, slot = length - 1;

    /* The unit that stays in part is read before anything is written. */
    snprintf(expected, sizeof expected, "cow read %" PRIu64 " %u\n",
             fixture_entry_offset(chunk_sectors, new_length * 16 / block_bytes * block_bytes / 16), block_bytes);
    /* The last live slot of the area of the new end; then whole units towards its terminator. */
    while (slot / per_area != new_length / per_area)
        slot--;
    for (uint64_t unit = slot * 16 / block_bytes * block_bytes / 16;; unit -= block_bytes / 16) {
        uint64_t offset = fixture_entry_offset(chunk_sectors, unit);
        bool last = unit <= new_length;
        size_t used = strlen(expected);

        snprintf(expected + used, sizeof expected - used, "cow write %" PRIu64 " %u\ncow flush\n", offset,
                 block_bytes);
        if (last) {
            memset(before + fixture_entry_offset(chunk_sectors, new_length), 0, (unit - new_length) * 16 + block_bytes);
        } else {
            memset(before + offset, 0, block_bytes);
        }
        units++;
        if (last)
            break;
    }
    assert_int_equal(snap_list_cut_units(&store, length, new_length), units);
    must(snap_list_cut_shorten(&store, length, new_length, &counts, NULL));
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
    struct snap_store store = store_over(io, 1);
    struct snap_shorten_counts counts = {0};
    struct snap_error err = {.status = SNAP_OK};
    size_t operations;

    (void)state;
    assert_int_equal(snap_list_cut_units(&store, 5, 5), 0);
    assert_int_equal(snap_list_cut_shorten(&store, 5, 5, &counts, &err), SNAP_E_INTERNAL);
    assert_int_equal(snap_list_cut_shorten(&store, 5, 6, &counts, &err), SNAP_E_INTERNAL);
    assert_int_equal(snap_list_cut_shorten(&store, 0, 0, &counts, &err), SNAP_E_INTERNAL);
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
            struct snap_store store = store_over(io, 8);
            struct snap_shorten_counts counts = {0};
            struct snap_error err = {.status = SNAP_OK};
            uint64_t whole = kinds[k] == IO_FAULT_READ ? 0 : at;

            io_fault_add(io, &(struct io_fault){.kind = kinds[k], .at = at});
            assert_int_equal(snap_list_cut_shorten(&store, 256, 3, &counts, &err), SNAP_E_IO);
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
    struct snap_store store = store_over(io, chunk_sectors);
    const struct record_operation *log;
    size_t operations, at = 0;

    must(snap_list_cut_zero_areas(&store, first_area, count, NULL));
    log = recorder_log(recorder, &operations);
    assert_int_equal(operations, count * (chunk_bytes / piece_bytes));
    for (uint64_t area = first_area + count; area-- > first_area;) {
        uint64_t offset = fixture_area_offset(chunk_sectors, area);

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
    struct snap_store store = store_over(io, 1);
    struct snap_error err = {.text = ""};
    uint8_t sector[512];

    (void)state;
    for (uint64_t area = 1; area <= 130; area++)
        must(snap_io_write(io, (1 + 33 * area) * 512, 512, memset(sector, 0xa5, 512), NULL));
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_WRITE, .at = 130 + 10});
    assert_int_equal(snap_list_cut_zero_areas(&store, 1, 130, &err), SNAP_E_IO);
    assert_non_null(strstr(err.text, "cow: "));
    assert_int_equal(io_fault_count(io, IO_FAULT_WRITE), 2 * 130); /* the others as well: highest first, so not area 120 */
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
        cmocka_unit_test(test_header_defects),
        cmocka_unit_test(test_header_unreadable),
        cmocka_unit_test(test_header_alone),
        cmocka_unit_test(test_header_sector),
        cmocka_unit_test(test_entry_offsets),
        cmocka_unit_test(test_read_entries_everywhere),
        cmocka_unit_test(test_read_entries_many_areas),
        cmocka_unit_test(test_read_entries_large_chunk),
        cmocka_unit_test(test_read_entries_failures),
        cmocka_unit_test(test_units),
        cmocka_unit_test(test_single_cut),
        cmocka_unit_test(test_shorten),
        cmocka_unit_test(test_shorten_refuses),
        cmocka_unit_test(test_shorten_failures),
        cmocka_unit_test(test_zero_areas),
        cmocka_unit_test(test_zero_areas_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

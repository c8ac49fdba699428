/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each defect of a header, the identity record beside it, and the atomic unit of a device. */
#include "lib/store/header.h"

#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#define MAGIC 0x70416e53u

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
        {MAGIC, 1, 1, 1, 512, SNAP_HEADER_NO_AREA, SNAP_E_CORRUPT, "has 1 sector"},
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
            format_put_header(io_mem_bytes(io), cases[i].magic, cases[i].valid, cases[i].version,
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
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true});
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
    format_put_header(header, MAGIC, 1, 1, 1);
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
    format_put_header(bytes, MAGIC, 1, 1, 1);
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
        struct snap_store store = fixture_store_over(io, cases[i].chunk_sectors);

        assert_int_equal(snap_header_unit_bytes(&store), cases[i].unit_bytes);
        must_close(io);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_defects),
        cmocka_unit_test(test_header_unreadable),
        cmocka_unit_test(test_header_alone),
        cmocka_unit_test(test_header_sector),
        cmocka_unit_test(test_units),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

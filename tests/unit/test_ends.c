/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests who is asked for the size of an origin, and what of the answers is the store's own. */
#include "lib/check/ends.h"

#include "tests/unit/list_fixture.h"

#define ORIGIN_BYTES (UINT64_C(1) << 20)
#define CHUNK_BYTES 4096u
#define MARK 0x6b72616d

/* A file system of the test: a mark, and the size behind it. */
static enum snap_status ask(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes, uint64_t *bytes,
                            struct snap_error *err)
{
    uint8_t head[512];
    enum snap_status status = read_fn(context, 0, sizeof head, head, err);

    assert_int_equal(size_bytes, ORIGIN_BYTES);
    *bytes = status == SNAP_OK && snap_get_le32(head) == MARK ? snap_get_le64(head + 8) : 0;
    return status;
}

static enum snap_status ask_in_vain(snap_probe_read_fn read_fn, void *context, uint64_t size_bytes, uint64_t *bytes,
                                    struct snap_error *err)
{
    (void)read_fn;
    (void)context;
    (void)size_bytes;
    *bytes = 0;
    return snap_fail(err, SNAP_E_STOPPED, "the test's own failure");
}

static void put_file_system(uint8_t *at, uint64_t bytes)
{
    snap_put_le32(at, MARK);
    snap_put_le64(at + 8, bytes);
}

/* A DOS table with one partition. */
static void put_partition(uint8_t *at, uint32_t first_sector, uint32_t sectors)
{
    at[446 + 4] = 0x83;
    snap_put_le32(at + 446 + 8, first_sector);
    snap_put_le32(at + 446 + 12, sectors);
    snap_put_le16(at + 510, 0xaa55);
}

static void assert_claim(const struct snap_ends_claim *claim, enum snap_ends_kind kind, uint64_t bytes)
{
    assert_int_equal(claim->kind, kind);
    assert_int_equal(claim->bytes, bytes);
}

static void found(const struct snap_store *store, struct snap_io *origin, struct snap_ends *ends)
{
    struct snap_error err = {.text = ""};

    assert_ok(snap_ends_find(ends, store, origin, ask, &err), &err);
}

static void what_the_store_holds_is_told_from_what_the_origin_has(void **state)
{
    struct snap_io *origin = io_mem_new("origin", ORIGIN_BYTES, 512, true), *cow = list_new(8, 2048);
    struct snap_store store = list_open(cow);
    struct snap_ends ends;

    (void)state;
    found(&store, origin, &ends);
    assert_claim(&ends.origin, SNAP_ENDS_NOTHING, 0);
    assert_claim(&ends.held, SNAP_ENDS_NOTHING, 0);
    put_file_system(io_mem_bytes(origin), 5000);
    list_put(cow, 8, 0, 7, 2);
    found(&store, origin, &ends);
    assert_claim(&ends.origin, SNAP_ENDS_FILE_SYSTEM, 5000);
    assert_claim(&ends.held, SNAP_ENDS_NOTHING, 0);
    list_put(cow, 8, 1, 0, 3);
    put_file_system(io_mem_bytes(cow) + 3 * CHUNK_BYTES, ORIGIN_BYTES);
    found(&store, origin, &ends);
    assert_claim(&ends.origin, SNAP_ENDS_FILE_SYSTEM, 5000);
    assert_claim(&ends.held, SNAP_ENDS_FILE_SYSTEM, ORIGIN_BYTES);
    list_close(origin);
    list_close(cow);
}

/* As on a disk of which most was cut off. */
static void partitions_are_looked_for_where_there_is_no_file_system(void **state)
{
    struct snap_io *origin = io_mem_new("origin", ORIGIN_BYTES, 512, true), *cow = list_new(8, 2048);
    struct snap_store store = list_open(cow);
    struct snap_ends ends;

    (void)state;
    put_partition(io_mem_bytes(origin), 2048, 100000);
    list_put(cow, 8, 0, 0, 2);
    put_partition(io_mem_bytes(cow) + 2 * CHUNK_BYTES, 63, 1000);
    found(&store, origin, &ends);
    assert_claim(&ends.origin, SNAP_ENDS_PARTITIONS, UINT64_C(102048) * 512);
    assert_claim(&ends.held, SNAP_ENDS_PARTITIONS, UINT64_C(1063) * 512);
    put_file_system(io_mem_bytes(origin), 5000);
    found(&store, origin, &ends);
    assert_claim(&ends.origin, SNAP_ENDS_FILE_SYSTEM, 5000);
    list_close(origin);
    list_close(cow);
}

static void a_stop_ends_it(void **state)
{
    struct snap_io *origin = io_mem_new("origin", ORIGIN_BYTES, 512, true), *cow = list_new(8, 2048);
    struct snap_store store = list_open(cow);
    struct snap_error err = {.text = ""};
    struct snap_ends ends;

    (void)state;
    assert_int_equal(snap_ends_find(&ends, &store, origin, ask_in_vain, &err), SNAP_E_STOPPED);
    assert_string_equal(err.text, "the test's own failure");
    list_close(origin);
    list_close(cow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_store_holds_is_told_from_what_the_origin_has),
        cmocka_unit_test(partitions_are_looked_for_where_there_is_no_file_system),
        cmocka_unit_test(a_stop_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that marks are found among the data of entries that were cut off, and only byte for byte. */
#include "lib/check/brought.h"
#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#define ORIGIN_BYTES (UINT64_C(8) << 20)
#define COW_BYTES (UINT64_C(6) << 20)
#define UUID "11111111-2222-4333-8444-555555555555"

/* An origin that is a LUKS device: its header is in the first sectors. */
static struct snap_io *origin_new(void)
{
    struct snap_io *io = io_mem_new("origin", ORIGIN_BYTES, 512, true);

    memcpy(io_mem_bytes(io), "LUKS\xba\xbe\x00\x01", 8);
    memcpy(io_mem_bytes(io) + 8, "aes", 3);
    memcpy(io_mem_bytes(io) + 168, UUID, sizeof UUID);
    return io;
}

static struct snap_io *cow_new(uint32_t chunk_sectors)
{
    return list_new(chunk_sectors, COW_BYTES / 512);
}

/* So many bytes of the origin's start at this place of the COW. */
static void put(struct snap_io *cow, uint64_t offset_bytes, struct snap_io *origin, uint64_t length_bytes)
{
    assert_true(offset_bytes + length_bytes <= cow->size_bytes);
    memcpy(io_mem_bytes(cow) + offset_bytes, io_mem_bytes(origin), (size_t)length_bytes);
}

static bool stop_now(void *context)
{
    (void)context;
    return true;
}

static enum snap_status look(struct snap_io *cow, uint64_t highest_new_chunk, struct snap_io *origin,
                             bool (*stop)(void *context), struct snap_probe *brought)
{
    struct snap_store store = list_open(cow);
    struct snap_error err = {.text = ""};
    struct snap_probe found;
    struct snap_brought_search search = {
        .store = &store,
        .highest_new_chunk = highest_new_chunk,
        .origin = &found,
        .origin_bytes = origin->size_bytes,
        .read = snap_probe_read_io,
        .context = origin,
        .stop = stop,
    };
    enum snap_status status;

    assert_ok(snap_probe_io(origin, &found, &err), &err);
    assert_string_equal(found.uuid, UUID);
    memset(brought, 'x', sizeof *brought);
    status = snap_brought_find(&search, brought, &err);
    assert_true(status == SNAP_OK || err.text[0] != '\0');
    return status;
}

/* "" where nothing is found. */
static void assert_found(struct snap_io *cow, uint64_t highest_new_chunk, struct snap_io *origin, const char *uuid)
{
    struct snap_probe brought;

    assert_int_equal(look(cow, highest_new_chunk, origin, NULL, &brought), SNAP_OK);
    assert_string_equal(brought.uuid, uuid);
}

static void it_is_found_behind_the_data_of_the_list_and_in_front(void **state)
{
    struct snap_io *origin = origin_new(), *cow = cow_new(8);

    (void)state;
    assert_found(cow, 0, origin, "");
    assert_found(cow, 1u << 20, origin, ""); /* a list that names what is no chunk of the device */
    put(cow, 700 * 4096, origin, 4096);
    assert_found(cow, 500, origin, UUID);
    assert_found(cow, 700, origin, UUID);
    assert_found(cow, 1000, origin, UUID);
    assert_found(cow, 1u << 20, origin, UUID);
    list_close(cow);
    list_close(origin);
}

static void the_last_chunk_counts(void **state)
{
    struct snap_io *origin = origin_new(), *cow = cow_new(8);

    (void)state;
    put(cow, COW_BYTES - 4096, origin, 4096);
    assert_found(cow, 2, origin, UUID);
    list_close(cow);
    list_close(origin);
}

static void one_byte_that_differs_is_enough(void **state)
{
    struct snap_io *origin = origin_new(), *cow = cow_new(8);

    (void)state;
    put(cow, 700 * 4096, origin, 4096);
    io_mem_bytes(cow)[700 * 4096 + 4095] ^= 1;
    assert_found(cow, 2, origin, "");
    list_close(cow);
    list_close(origin);
}

/* A chunk of 64 KiB goes to the origin as a whole: what stands elsewhere in it was not brought here. */
static void the_place_in_the_chunk_counts(void **state)
{
    struct snap_io *origin = origin_new(), *cow = cow_new(128);

    (void)state;
    put(cow, 5 * 65536 + 4096, origin, 4096);
    assert_found(cow, 2, origin, "");
    put(cow, 5 * 65536, origin, 4096);
    assert_found(cow, 2, origin, UUID);
    list_close(cow);
    list_close(origin);
}

static void small_chunks(void **state)
{
    struct snap_io *origin = origin_new(), *cow = cow_new(1);

    (void)state;
    put(cow, 777 * 512, origin, 512);
    assert_found(cow, 2, origin, UUID);
    list_close(cow);
    list_close(origin);
}

static void what_cannot_be_read_is_not_found(void **state)
{
    struct snap_io *origin = origin_new(), *cow = cow_new(8), *faulty = io_fault_new(cow, NULL);

    (void)state;
    put(cow, 700 * 4096, origin, 4096);
    io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                            .offset_bytes = 700 * 4096, .length_bytes = 512});
    assert_found(faulty, 2, origin, "");
    put(cow, 1200 * 4096, origin, 4096);
    assert_found(faulty, 2, origin, UUID);
    list_close(faulty);
    list_close(origin);
}

static void a_signal_ends_the_search(void **state)
{
    struct snap_io *origin = origin_new(), *cow = cow_new(8);
    struct snap_probe brought;

    (void)state;
    assert_int_equal(look(cow, 2, origin, stop_now, &brought), SNAP_E_STOPPED);
    list_close(cow);
    list_close(origin);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_found_behind_the_data_of_the_list_and_in_front),
        cmocka_unit_test(the_last_chunk_counts),
        cmocka_unit_test(one_byte_that_differs_is_enough),
        cmocka_unit_test(the_place_in_the_chunk_counts),
        cmocka_unit_test(small_chunks),
        cmocka_unit_test(what_cannot_be_read_is_not_found),
        cmocka_unit_test(a_signal_ends_the_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

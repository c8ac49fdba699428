/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device with the edits of a repair: what is read is what the repair would leave, and nothing is written. */
#include "lib/repair/edited.h"

#include "tests/support/io_mem.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define UNIT 512u
#define UNITS 16u

static void add(struct snap_edits *edits, uint64_t unit_number, uint8_t byte)
{
    uint8_t unit[UNIT];

    memset(unit, byte, UNIT);
    must(snap_edits_add(edits, unit_number * UNIT, unit, NULL));
    snap_edits_barrier(edits);
}

/* Edits at random, in any order and several of the same unit: each range reads as after the repair. */
static void test_reads_as_after_the_repair(void **state)
{
    uint8_t *buffer = test_calloc(UNITS, UNIT);
    uint64_t seed = 7;

    (void)state;
    for (unsigned run = 0; run < 50; run++) {
        struct snap_io *io = io_mem_new("cow", UNITS * UNIT, UNIT, true), *edited;
        uint8_t *before = test_calloc(UNITS, UNIT), *after = test_calloc(UNITS, UNIT);
        struct snap_edits edits;
        bool begun;

        for (size_t i = 0; i < UNITS * UNIT; i++)
            io_mem_bytes(io)[i] = (uint8_t)unit_random(&seed, 256);
        memcpy(before, io_mem_bytes(io), UNITS * UNIT);
        snap_edits_init(&edits, io, UNIT);
        for (unsigned i = 0; i < run % 12; i++)
            add(&edits, unit_random(&seed, UNITS), (uint8_t)unit_random(&seed, 256));
        must(snap_edited_open(&edited, &edits, NULL));
        assert_string_equal(edited->name, "cow");
        assert_false(edited->writable);
        for (uint64_t first = 0; first < UNITS; first++) {
            for (uint64_t count = 1; first + count <= UNITS; count++) {
                must(snap_io_read(edited, first * UNIT, count * UNIT, buffer + first * UNIT, NULL));
                if (first == 0)
                    memcpy(after, buffer, (size_t)count * UNIT);
                assert_memory_equal(buffer + first * UNIT, after + first * UNIT, (size_t)count * UNIT);
            }
        }
        assert_memory_equal(io_mem_bytes(io), before, UNITS * UNIT);
        must_close(edited);
        must(snap_edits_apply(&edits, &begun, NULL));
        assert_memory_equal(io_mem_bytes(io), after, UNITS * UNIT);
        snap_edits_free(&edits);
        must_close(io);
        free(before);
        free(after);
    }
    free(buffer);
}

/* Several requests with several buffers each, none of which begins where a unit does. */
static void test_vectors(void **state)
{
    struct snap_io *io = io_mem_new("cow", 4 * UNIT, UNIT, true), *edited;
    uint8_t one[UNIT], two[UNIT], three[2 * UNIT], unit[UNIT];
    const struct iovec first[] = {{one, 300}, {two, 212}}, second[] = {{three, 2 * UNIT}};
    struct snap_io_request requests[] = {
        {.kind = SNAP_IO_READ, .offset_bytes = UNIT, .iov = first, .iov_count = 2},
        {.kind = SNAP_IO_READ, .offset_bytes = 2 * UNIT, .iov = second, .iov_count = 1},
    };
    struct snap_edits edits;

    (void)state;
    memset(io_mem_bytes(io), 1, 4 * UNIT);
    snap_edits_init(&edits, io, UNIT);
    add(&edits, 3, 3);
    for (unsigned i = 0; i < UNIT; i++)
        unit[i] = (uint8_t)i;
    must(snap_edits_add(&edits, UNIT, unit, NULL));
    must(snap_edited_open(&edited, &edits, NULL));
    must(snap_io_transfer(edited, requests, 2, NULL));
    assert_memory_equal(one, unit, 300);
    assert_memory_equal(two, unit + 300, 212);
    assert_int_equal(three[UNIT - 1], 1);
    assert_int_equal(three[UNIT], 3);
    must_close(edited);
    snap_edits_free(&edits);
    must_close(io);
}

static void test_writes_are_refused(void **state)
{
    struct snap_io *io = io_mem_new("cow", 4 * UNIT, UNIT, true), *edited;
    uint8_t unit[UNIT] = {1};
    struct snap_edits edits;

    (void)state;
    snap_edits_init(&edits, io, UNIT);
    must(snap_edited_open(&edited, &edits, NULL));
    assert_int_equal(snap_io_write(edited, 0, UNIT, unit, NULL), SNAP_E_INTERNAL);
    assert_int_equal(io_mem_bytes(io)[0], 0);
    must_close(edited);
    snap_edits_free(&edits);
    must_close(io);
}

/* A plan goes on while the device is open: what it adds does not show. */
static void test_more_edits(void **state)
{
    struct snap_io *io = io_mem_new("cow", UNITS * UNIT, UNIT, true), *edited;
    uint8_t found[UNITS * UNIT];
    struct snap_edits edits;

    (void)state;
    snap_edits_init(&edits, io, UNIT);
    add(&edits, 1, 1);
    must(snap_edited_open(&edited, &edits, NULL));
    for (uint8_t more = 0; more < 100; more++)
        add(&edits, more % UNITS, (uint8_t)(more + 2));
    must(snap_io_read(edited, 0, sizeof found, found, NULL));
    for (size_t i = 0; i < sizeof found; i++)
        assert_int_equal(found[i], i / UNIT == 1);
    must_close(edited);
    snap_edits_free(&edits);
    must_close(io);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_as_after_the_repair),
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_writes_are_refused),
        cmocka_unit_test(test_more_edits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

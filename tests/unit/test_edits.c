/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits: what they read, what is left out, how they are carried out, and what stops them. */
#include "lib/repair/edits.h"

#include "tests/support/io_fault.h"
#include "tests/support/io_mem.h"
#include "tests/unit/unit.h"

#include <string.h>

#define UNIT 512u

static void filled(uint8_t unit[UNIT], uint8_t byte)
{
    memset(unit, byte, UNIT);
}

static void add(struct snap_edits *edits, uint64_t offset_bytes, uint8_t byte)
{
    uint8_t unit[UNIT];

    filled(unit, byte);
    must(snap_edits_add(edits, offset_bytes, unit, NULL));
}

/* A later edit of a unit begins with what an earlier one made of it; nothing reaches the device before. */
static void test_reads_what_will_be_there(void **state)
{
    struct snap_io *io = io_mem_new("cow", 4 * UNIT, UNIT, true);
    struct snap_edits edits;
    uint8_t unit[UNIT];
    bool begun;

    (void)state;
    snap_edits_init(&edits, io, UNIT);
    add(&edits, UNIT, 1);
    add(&edits, UNIT, 1); /* changes nothing */
    snap_edits_barrier(&edits);
    add(&edits, UNIT, 2);
    add(&edits, 0, 0); /* is so already */
    assert_int_equal(edits.count, 2);
    assert_true(edits.items[0].flush);
    assert_int_equal(edits.items[0].before[0], 0);
    assert_int_equal(edits.items[1].before[0], 1);
    must(snap_edits_read(&edits, UNIT, unit, NULL));
    assert_int_equal(unit[0], 2);
    assert_int_equal(io_mem_bytes(io)[UNIT], 0);
    must(snap_edits_apply(&edits, &begun, NULL));
    assert_true(begun);
    assert_int_equal(io_mem_bytes(io)[UNIT], 2);
    assert_int_equal(io_mem_bytes(io)[2 * UNIT], 0);
    snap_edits_free(&edits);
    must_close(io);
}

/* A flush where one is asked for, and at the end; none for nothing. */
static void test_flushes(void **state)
{
    struct snap_io *io = io_fault_new(io_mem_new("cow", 8 * UNIT, UNIT, true), NULL);
    struct snap_edits edits;
    bool begun;

    (void)state;
    snap_edits_init(&edits, io, UNIT);
    must(snap_edits_apply(&edits, &begun, NULL));
    assert_false(begun);
    assert_int_equal(io_fault_count(io, IO_FAULT_FLUSH), 0);
    add(&edits, 0, 1);
    add(&edits, UNIT, 1);
    snap_edits_barrier(&edits);
    add(&edits, 2 * UNIT, 1);
    add(&edits, 3 * UNIT, 1);
    must(snap_edits_apply(&edits, &begun, NULL));
    assert_int_equal(io_fault_count(io, IO_FAULT_FLUSH), 2);
    snap_edits_free(&edits);
    must_close(io);
}

/* Two edits of a unit that may become durable together are one write; behind a barrier there is another. */
static void test_one_write_for_a_unit(void **state)
{
    struct snap_io *io = io_mem_new("cow", 4 * UNIT, UNIT, true);
    struct snap_edits edits;

    (void)state;
    snap_edits_init(&edits, io, UNIT);
    add(&edits, UNIT, 1);
    add(&edits, UNIT, 2);
    assert_int_equal(edits.count, 1);
    assert_int_equal(edits.items[0].before[0], 0);
    assert_int_equal(edits.items[0].after[0], 2);
    snap_edits_barrier(&edits);
    add(&edits, UNIT, 3);
    add(&edits, 0, 1);
    add(&edits, UNIT, 4);
    assert_int_equal(edits.count, 4);
    assert_int_equal(edits.items[3].before[0], 3);
    snap_edits_free(&edits);
    must_close(io);
}

/* Those of another plan come behind these, whole or not at all. */
static void test_take(void **state)
{
    struct snap_io *io = io_mem_new("cow", 4 * UNIT, UNIT, true);
    struct snap_edits edits, more;
    size_t count;

    (void)state;
    snap_edits_init(&edits, io, UNIT);
    snap_edits_init(&more, io, UNIT);
    add(&edits, 0, 1);
    add(&more, UNIT, 2);
    snap_edits_barrier(&more);
    add(&more, 2 * UNIT, 3);
    must(snap_edits_take(&edits, &more, NULL));
    assert_int_equal(more.count, 0);
    assert_int_equal(edits.count, 3);
    assert_int_equal(edits.items[1].offset_bytes, UNIT);
    assert_true(edits.items[1].flush);
    assert_false(edits.items[2].flush);
    while (edits.count < SNAP_EDITS_BYTES_MAX / 2 / UNIT - 1) {
        snap_edits_barrier(&edits);
        add(&edits, 3 * UNIT, (uint8_t)(1 + edits.count % 2));
    }
    add(&more, 0, 200);
    add(&more, UNIT, 201);
    add(&more, 2 * UNIT, 202);
    count = edits.count;
    assert_int_equal(snap_edits_take(&edits, &more, NULL), SNAP_E_REFUSED);
    assert_int_equal(edits.count, count);
    assert_int_equal(more.count, 3);
    snap_edits_free(&more);
    snap_edits_free(&edits);
    must_close(io);
}

/* What failed is said, nothing behind it is written, and a flush is not repeated. */
static void test_failures_stop(void **state)
{
    (void)state;
    for (int flush = 0; flush < 2; flush++) {
        struct snap_io *memory = io_mem_new("cow", 8 * UNIT, UNIT, true), *io = io_fault_new(memory, NULL);
        const struct io_fault fault = {.kind = flush ? IO_FAULT_FLUSH : IO_FAULT_WRITE};
        struct snap_edits edits;
        bool begun;

        snap_edits_init(&edits, io, UNIT);
        add(&edits, 0, 1);
        snap_edits_barrier(&edits);
        add(&edits, UNIT, 1);
        io_fault_add(io, &fault);
        assert_int_equal(snap_edits_apply(&edits, &begun, NULL), SNAP_E_IO);
        assert_true(begun);
        assert_int_equal(io_mem_bytes(memory)[UNIT], 0);
        assert_int_equal(io_fault_count(io, IO_FAULT_FLUSH), flush);
        snap_edits_free(&edits);
        must_close(io);
    }
}

/* What another program has changed meanwhile is not overwritten. */
static void test_changed_meanwhile(void **state)
{
    struct snap_io *io = io_mem_new("cow", 4 * UNIT, UNIT, true);
    struct snap_edits edits;
    bool begun;

    (void)state;
    snap_edits_init(&edits, io, UNIT);
    add(&edits, UNIT, 1);
    io_mem_bytes(io)[UNIT + 7] = 9;
    assert_int_equal(snap_edits_apply(&edits, &begun, NULL), SNAP_E_CORRUPT);
    assert_false(begun);
    assert_int_equal(io_mem_bytes(io)[UNIT], 0);
    snap_edits_free(&edits);
    must_close(io);
}

/* Memory is bounded. */
static void test_bound(void **state)
{
    const uint64_t units = SNAP_EDITS_BYTES_MAX / 2 / UNIT;
    struct snap_io *io = io_mem_new("cow", (units + 1) * UNIT, UNIT, true);
    struct snap_edits edits;
    uint8_t unit[UNIT];

    (void)state;
    snap_edits_init(&edits, io, UNIT);
    filled(unit, 1);
    for (uint64_t i = 0; i < units; i++)
        must(snap_edits_add(&edits, i * UNIT, unit, NULL));
    assert_int_equal(snap_edits_add(&edits, units * UNIT, unit, NULL), SNAP_E_REFUSED);
    snap_edits_free(&edits);
    must_close(io);
}

/* A device with larger blocks takes no single units. */
static void test_blocks(void **state)
{
    static const uint32_t blocks[] = {512, UNIT, 2 * UNIT};

    (void)state;
    for (size_t i = 0; i < sizeof blocks / sizeof blocks[0]; i++) {
        struct snap_io *io = io_mem_new("cow", (uint64_t)8 * UNIT, blocks[i], true);
        struct snap_edits edits;

        snap_edits_init(&edits, io, UNIT);
        assert_int_equal(snap_edits_check_blocks(&edits, NULL), blocks[i] > UNIT ? SNAP_E_UNSUPPORTED : SNAP_OK);
        snap_edits_free(&edits);
        must_close(io);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_what_will_be_there),
        cmocka_unit_test(test_flushes),
        cmocka_unit_test(test_one_write_for_a_unit),
        cmocka_unit_test(test_take),
        cmocka_unit_test(test_failures_stop),
        cmocka_unit_test(test_changed_meanwhile),
        cmocka_unit_test(test_bound),
        cmocka_unit_test(test_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

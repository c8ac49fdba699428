/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The walk over a store's list: every entry, the dead slots, the end, and what cannot be read. */
#include "lib/base/bytes.h"
#include "lib/store/list_walk.h"
#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

static struct snap_list_walk *open_walk(struct snap_store *store, struct snap_io *io)
{
    struct snap_list_walk *walk = NULL;

    must(snap_header_open(store, io, NULL));
    must(snap_list_walk_open(&walk, store, NULL));
    assert_non_null(walk);
    return walk;
}

/* Walks to the end: the spans follow each other, and each slot has the bytes that the image has there. */
static uint64_t check_walk(struct snap_list_walk *walk, const struct snap_store *store, const uint8_t *cow,
                           uint64_t first_index)
{
    const uint64_t per_area = store->layout.entries_per_area;
    uint64_t index = first_index, live = 0;
    bool ended = false;
    struct snap_span span;

    for (;;) {
        must(snap_list_walk_next(walk, &span, NULL));
        if (span.slots == 0)
            break;
        assert_int_equal(span.first_index, index);
        assert_int_equal(span.area, index / per_area);
        assert_int_equal(span.first_slot, index % per_area);
        assert_true(span.first_slot + span.slots <= per_area);
        for (uint32_t i = 0; i < span.slots; i++) {
            const uint8_t *bytes = cow + format_entry_offset(store->layout.chunk_sectors, index + i);

            assert_int_equal(snap_span_old(&span, i), snap_get_le64(bytes));
            assert_int_equal(snap_span_new(&span, i), snap_get_le64(bytes + 8));
            ended = ended || snap_get_le64(bytes + 8) == 0;
            assert_true(ended == (i >= span.live));
        }
        live += span.live;
        index += span.slots;
    }
    assert_true(ended);
    assert_int_equal(index % per_area, 0); /* all of the last area, and no other */
    assert_true(index - first_index - live <= per_area);
    must(snap_list_walk_next(walk, &span, NULL)); /* over is over */
    assert_int_equal(span.slots, 0);
    return live;
}

static void test_all_lengths(void **state)
{
    (void)state;
    for (size_t count = 0; count <= 140; count++) {
        struct fixture fixture = fixture_random_store(count + 1, 1, count, 700, count % 2);
        struct snap_io *io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
        struct snap_store store;
        struct snap_list_walk *walk = open_walk(&store, io);

        assert_int_equal(check_walk(walk, &store, fixture.cow, 0), count);
        snap_list_walk_close(walk);
        must(snap_io_close(io, NULL));
        fixture_free(&fixture);
    }
}

static void test_other_chunk_sizes(void **state)
{
    static const struct {
        uint64_t chunk_sectors;
        size_t count;
    } cases[] = {{2, 64}, {2, 1000}, {8, 255}, {8, 256}, {8, 700}, {128, 60}, {2048, 5}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture =
            fixture_random_store(i + 1, cases[i].chunk_sectors, cases[i].count,
                                 cases[i].chunk_sectors * (cases[i].count + 20) + 1, true);
        struct snap_io *io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 4096);
        struct snap_store store;
        struct snap_list_walk *walk = open_walk(&store, io);

        assert_int_equal(check_walk(walk, &store, fixture.cow, 0), cases[i].count);
        snap_list_walk_close(walk);
        must(snap_io_close(io, NULL));
        fixture_free(&fixture);
    }
}

/* Enough areas for many batches, and for all of them to be in use at once. */
static void test_long_list(void **state)
{
    struct fixture fixture = fixture_random_store(9, 1, 32 * 7300 + 7, 260000, false);
    struct snap_io *io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    struct snap_store store;
    struct snap_list_walk *walk = open_walk(&store, io);

    (void)state;
    assert_int_equal(check_walk(walk, &store, fixture.cow, 0), fixture.count);
    snap_list_walk_seek_area(walk, 3000); /* also from behind the end */
    assert_int_equal(check_walk(walk, &store, fixture.cow, 3000 * 32), fixture.count - 3000 * 32);
    snap_list_walk_seek_area(walk, 1);
    assert_int_equal(check_walk(walk, &store, fixture.cow, 32), fixture.count - 32);
    snap_list_walk_close(walk);
    walk = open_walk(&store, io);
    for (int i = 0; i < 4000; i++) { /* left in the middle, with batches on their way */
        struct snap_span span;

        must(snap_list_walk_next(walk, &span, NULL));
    }
    snap_list_walk_seek_area(walk, 4500);
    assert_int_equal(check_walk(walk, &store, fixture.cow, 4500 * 32), fixture.count - 4500 * 32);
    snap_list_walk_close(walk);
    walk = open_walk(&store, io);
    for (int i = 0; i < 100; i++) { /* closed there */
        struct snap_span span;

        must(snap_list_walk_next(walk, &span, NULL));
    }
    snap_list_walk_close(walk);
    must(snap_io_close(io, NULL));
    fixture_free(&fixture);
}

/* What follows the terminator is handed out as it is, and is not live; also in the later pieces of a large area. */
static void test_dead_slots(void **state)
{
    static const uint64_t sizes[] = {1, 8, 4096};

    (void)state;
    for (size_t s = 0; s < 3; s++) {
        uint64_t per_area = 32 * sizes[s];
        struct fixture fixture = fixture_random_store(5, sizes[s], 5, sizes[s] * 20, false);
        struct snap_io *io;
        struct snap_store store;
        struct snap_list_walk *walk;

        format_put_entry(fixture.cow, sizes[s], 5, 4711, 0); /* a terminator's old is no matter */
        format_put_entry(fixture.cow, sizes[s], 6, 7, 9);
        format_put_entry(fixture.cow, sizes[s], per_area - 1, UINT64_MAX, UINT64_MAX);
        io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
        walk = open_walk(&store, io);
        assert_int_equal(check_walk(walk, &store, fixture.cow, 0), 5);
        snap_list_walk_close(walk);
        must(snap_io_close(io, NULL));
        fixture_free(&fixture);
    }
}

/* A terminator in the first, middle and last slots of the pieces of a 2 MiB area (131072 entries, 65536 a piece). */
static void test_terminator_in_pieces(void **state)
{
    static const uint64_t ends[] = {0, 1, 65535, 65536, 65537, 131071};

    (void)state;
    for (size_t e = 0; e < sizeof ends / sizeof ends[0]; e++) {
        struct fixture fixture = fixture_random_store(5, 4096, 0, 4096, false);
        struct snap_io *io;
        struct snap_store store;
        struct snap_list_walk *walk;

        for (uint64_t i = 0; i < 131072; i++)
            format_put_entry(fixture.cow, 4096, i, i * 3, i == ends[e] ? 0 : i + 2);
        io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
        walk = open_walk(&store, io);
        assert_int_equal(check_walk(walk, &store, fixture.cow, 0), ends[e]);
        snap_list_walk_close(walk);
        must(snap_io_close(io, NULL));
        fixture_free(&fixture);
    }
}

/* 32 entries fill area 0; area 1 is chunk 34. */
static void test_full_area_and_no_next(void **state)
{
    (void)state;
    for (uint64_t chunks = 34; chunks <= 35; chunks++) {
        struct fixture fixture = fixture_random_store(5, 1, 32, 100, false);
        struct snap_io *io = fixture_mem("disk7", fixture.cow, chunks * 512, 512);
        struct snap_error err = {.status = SNAP_OK};
        struct snap_store store;
        struct snap_list_walk *walk = open_walk(&store, io);
        struct snap_span span;

        if (chunks == 35) {
            assert_int_equal(check_walk(walk, &store, fixture.cow, 0), 32);
        } else {
            must(snap_list_walk_next(walk, &span, &err));
            assert_int_equal(span.live, 32);
            assert_int_equal(snap_list_walk_next(walk, &span, &err), SNAP_E_CORRUPT);
            assert_non_null(strstr(err.text, "disk7: area 0 is full"));
            assert_non_null(strstr(err.text, "area 1 at sector 34"));
            must(snap_list_walk_next(walk, &span, &err));
            assert_int_equal(span.slots, 0);
        }
        snap_list_walk_close(walk);
        must(snap_io_close(io, NULL));
        fixture_free(&fixture);
    }
}

/* Areas are read ahead; one that cannot be read matters only to a list that reaches it. */
static void test_unreadable_area(void **state)
{
    static const struct {
        uint64_t bad_area;
        size_t count;
    } cases[] = {{0, 5},     {1, 31},    {1, 32},     {1, 40},      {2, 63},      {2, 64},
                 {11, 400},  {12, 384},  {13, 500},   {13, 400},    {200, 6400},  {201, 6400},
                 {64, 2050}, {60, 1919}, {300, 9600}, {300, 9599}, {299, 20000}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture fixture = fixture_random_store(i + 1, 1, cases[i].count, 30000, false);
        struct snap_io *io;
        struct snap_error err = {.status = SNAP_OK};
        struct snap_store store;
        struct snap_list_walk *walk;
        struct snap_span span;
        uint64_t live = 0, expected_spans = cases[i].count / 32 + 1;
        uint32_t digest;

        fixture.cow = realloc(fixture.cow, fixture.cow_bytes + 512 * 33 * 300);
        assert_non_null(fixture.cow);
        memset(fixture.cow + fixture.cow_bytes, 0, 512 * 33 * 300); /* room, so that there is something to read ahead */
        io = io_fault_new(fixture_mem("disk7", fixture.cow, fixture.cow_bytes + 512 * 33 * 300, 512), NULL);
        walk = open_walk(&store, io);
        io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                            .offset_bytes = format_area_offset(1, cases[i].bad_area)});
        if (cases[i].bad_area >= expected_spans) {
            assert_int_equal(check_walk(walk, &store, fixture.cow, 0), cases[i].count);
        } else {
            for (uint64_t area = 0; area < cases[i].bad_area; area++) {
                must(snap_list_walk_next(walk, &span, &err));
                assert_memory_equal(span.bytes, fixture.cow + format_area_offset(1, area), 512);
                live += span.live;
            }
            assert_int_equal(live, cases[i].bad_area * 32);
            assert_int_equal(snap_list_walk_next(walk, &span, &err), SNAP_E_IO);
            assert_int_equal(span.area, cases[i].bad_area);
            assert_int_equal(span.first_slot, 0);
            assert_int_equal(err.status, SNAP_E_IO);
            assert_non_null(strstr(err.text, "disk7: "));
            must(snap_list_walk_next(walk, &span, &err)); /* the walk is over */
            assert_int_equal(span.slots, 0);
        }
        snap_list_walk_close(walk);
        assert_int_equal(snap_list_walk_digest(&store, cases[i].count, &digest, &err),
                         cases[i].bad_area * 32 < cases[i].count ? SNAP_E_IO : SNAP_OK);
        must(snap_io_close(io, NULL));
        fixture_free(&fixture);
    }
}

/* The second piece of a large area: first_slot says where. */
static void test_unreadable_piece(void **state)
{
    struct fixture fixture = fixture_random_store(5, 4096, 1, 8192, false);
    struct snap_io *io = io_fault_new(fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512), NULL);
    struct snap_store store;
    struct snap_list_walk *walk;
    struct snap_span span;

    (void)state;
    io_fault_add(io, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                        .offset_bytes = 4096 * 512 + (1 << 20) + 512});
    walk = open_walk(&store, io);
    must(snap_list_walk_next(walk, &span, NULL));
    assert_int_equal(span.live, 1);
    assert_int_equal(snap_list_walk_next(walk, &span, NULL), SNAP_E_IO);
    assert_int_equal(span.area, 0);
    assert_int_equal(span.first_slot, 65536);
    snap_list_walk_close(walk);
    must(snap_io_close(io, NULL));
    fixture_free(&fixture);
}

static enum snap_status refuse_all(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                   struct snap_error *err)
{
    (void)requests;
    (void)count;
    return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for requests", io->name);
}

/* What fails before any request was made says nothing about an area. */
static void test_failure_as_a_whole(void **state)
{
    struct fixture fixture = fixture_random_store(5, 1, 100, 500, false);
    struct snap_io *io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    struct snap_io_ops ops = *io->ops;
    const struct snap_io_ops *kept = io->ops;
    struct snap_error err = {0};
    struct snap_store store;
    struct snap_list_walk *walk = open_walk(&store, io);
    struct snap_span span;

    (void)state;
    ops.transfer = refuse_all;
    io->ops = &ops;
    assert_int_equal(snap_list_walk_next(walk, &span, &err), SNAP_E_NOMEM);
    assert_string_equal(err.text, "cow: no memory for requests");
    assert_int_equal(snap_list_walk_next(walk, &span, &err), SNAP_OK);
    assert_int_equal(span.slots, 0);
    snap_list_walk_close(walk);
    io->ops = kept;
    must(snap_io_close(io, NULL));
    fixture_free(&fixture);
}

static void test_seek_area(void **state)
{
    struct fixture fixture = fixture_random_store(5, 1, 100, 500, false);
    struct snap_io *io;
    struct snap_store store;
    struct snap_list_walk *walk;

    (void)state;
    format_put_entry(fixture.cow, 1, 32, 0, 0); /* the list is cut behind area 0; 33..99 are what was left behind */
    io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    walk = open_walk(&store, io);
    assert_int_equal(check_walk(walk, &store, fixture.cow, 0), 32);
    snap_list_walk_seek_area(walk, 2);
    assert_int_equal(check_walk(walk, &store, fixture.cow, 64), 36);
    snap_list_walk_seek_area(walk, 3);
    assert_int_equal(check_walk(walk, &store, fixture.cow, 96), 4);
    snap_list_walk_seek_area(walk, 1);
    assert_int_equal(check_walk(walk, &store, fixture.cow, 32), 0);
    snap_list_walk_close(walk);
    must(snap_io_close(io, NULL));
    fixture_free(&fixture);
}

static bool stop_at_third(void *context)
{
    int *calls = context;

    return ++*calls == 3;
}

static void test_stop(void **state)
{
    struct fixture fixture = fixture_random_store(9, 1, 320, 2000, false);
    struct snap_io *io = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    struct snap_error err = {.status = SNAP_OK};
    struct snap_list_walk *walk;
    struct snap_store store;
    struct snap_span span;
    int calls = 0;

    (void)state;
    must(snap_header_open(&store, io, NULL));
    must(snap_list_walk_open(&walk, &store, NULL));
    snap_list_walk_stop_on(walk, stop_at_third, &calls);
    must(snap_list_walk_next(walk, &span, NULL));
    must(snap_list_walk_next(walk, &span, NULL));
    assert_int_equal(span.live, 32);
    assert_int_equal(snap_list_walk_next(walk, &span, &err), SNAP_E_STOPPED);
    assert_string_equal(err.text, "cow: stopped while reading the list");
    assert_int_equal(span.slots, 0);
    must(snap_list_walk_next(walk, &span, NULL)); /* it is over, as after any failure */
    assert_int_equal(span.slots, 0);
    snap_list_walk_close(walk);
    must(snap_io_close(io, NULL));
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_lengths),
        cmocka_unit_test(test_other_chunk_sizes),
        cmocka_unit_test(test_long_list),
        cmocka_unit_test(test_dead_slots),
        cmocka_unit_test(test_terminator_in_pieces),
        cmocka_unit_test(test_full_area_and_no_next),
        cmocka_unit_test(test_unreadable_area),
        cmocka_unit_test(test_unreadable_piece),
        cmocka_unit_test(test_failure_as_a_whole),
        cmocka_unit_test(test_seek_area),
        cmocka_unit_test(test_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

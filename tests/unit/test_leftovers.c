/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which areas behind the end of a list hold nothing that could be missed, and which are left alone. */
#include "lib/merge/leftovers.h"

#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define PER_AREA 32u /* chunks of one sector */
#define LISTED 10u   /* entries of the list, all in area 0 */

/* A list of 10 entries, and room for whatever a test puts behind it. */
struct bench {
    struct fixture fixture;
    struct snap_io *cow_mem, *cow, *origin;
    struct snap_store store;
    struct snap_check_result check;
    struct snap_leftovers_search search;
    unsigned stop_at_poll; /* 0: never */
    unsigned polls;
};

static bool stop_asked(void *context)
{
    struct bench *bench = context;

    return ++bench->polls == bench->stop_at_poll;
}

static struct bench *bench_new(void)
{
    struct bench *bench = fixture_alloc(1, sizeof *bench);

    bench->fixture = fixture_new(1, LISTED, 150, 300);
    for (size_t i = 0; i < LISTED; i++)
        bench->fixture.entries[i] = (struct snap_entry){i * 3, format_canonical(1, i)};
    fixture_seal(&bench->fixture);
    bench->cow_mem = fixture_mem("cow", bench->fixture.cow, bench->fixture.cow_bytes, 512);
    bench->cow = io_fault_new(bench->cow_mem, NULL);
    bench->origin = fixture_mem("origin", bench->fixture.origin, bench->fixture.origin_bytes, 512);
    must(snap_header_open(&bench->store, bench->cow, NULL));
    bench->check = (struct snap_check_result){.list_complete = true, .entries = LISTED, .moved_area = 1};
    bench->search = (struct snap_leftovers_search){.store = &bench->store, .origin = bench->origin,
                                                   .check = &bench->check, .memory_bytes = 16 << 20, .stop = stop_asked,
                                                   .stop_context = bench};
    return bench;
}

static void bench_free(struct bench *bench)
{
    must(snap_io_close(bench->cow, NULL));
    must(snap_io_close(bench->origin, NULL));
    fixture_free(&bench->fixture);
    free(bench);
}

/* An entry in a slot behind the list. Its data chunk, if it is one and the list does not use it, gets other content. */
static void put(struct bench *bench, uint64_t index, uint64_t old_chunk, uint64_t new_chunk)
{
    format_put_entry(io_mem_bytes(bench->cow_mem), 1, index, old_chunk, new_chunk);
    if (new_chunk > format_canonical(1, LISTED - 1) && new_chunk < bench->fixture.cow_bytes / 512 &&
        new_chunk % (PER_AREA + 1) != 1)
        fixture_pattern(io_mem_bytes(bench->cow_mem) + new_chunk * 512, 512, 1000 + new_chunk);
}

/* The origin holds the data of this chunk in its place. */
static void merge(struct bench *bench, uint64_t old_chunk, uint64_t new_chunk)
{
    memcpy(io_mem_bytes(bench->origin) + old_chunk * 512, io_mem_bytes(bench->cow_mem) + new_chunk * 512, 512);
}

static void put_merged(struct bench *bench, uint64_t index, uint64_t old_chunk, uint64_t new_chunk)
{
    put(bench, index, old_chunk, new_chunk);
    merge(bench, old_chunk, new_chunk);
}

static uint64_t found_end(struct bench *bench)
{
    uint64_t end = 77;

    must(snap_leftovers_find(&bench->search, &end, NULL));
    return end;
}

static void test_nothing_is_there(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->check.moved_area = 0;
    assert_int_equal(found_end(bench), 0);
    bench_free(bench);
}

/* The list uses the data chunks: these are copies of entries that a merge has moved, or the chunks are in use again. */
static void test_data_chunks_in_use(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    for (uint64_t i = 0; i < PER_AREA; i++)
        put(bench, PER_AREA + i, 100 + i, format_canonical(1, i % LISTED));
    assert_int_equal(found_end(bench), 2);
    bench_free(bench);
}

static void test_merged_entries(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    for (uint64_t i = 0; i < PER_AREA; i++)
        put_merged(bench, PER_AREA + i, 100 + i, format_canonical(1, 40 + i));
    assert_int_equal(found_end(bench), 2);
    bench_free(bench);
}

/* In turn each slot has the only entry that is neither merged nor in use. */
static void test_one_entry_is_missed(void **state)
{
    (void)state;
    for (uint64_t only = 0; only < PER_AREA; only++) {
        struct bench *bench = bench_new();

        for (uint64_t i = 0; i < PER_AREA; i++) {
            if (i == only)
                put(bench, PER_AREA + i, 100 + i, format_canonical(1, 40 + i));
            else if (i % 2 == 0)
                put_merged(bench, PER_AREA + i, 100 + i, format_canonical(1, 40 + i));
            else
                put(bench, PER_AREA + i, 100 + i, format_canonical(1, i % LISTED));
        }
        assert_int_equal(found_end(bench), 0);
        merge(bench, 100 + only, format_canonical(1, 40 + only));
        assert_int_equal(found_end(bench), 2);
        bench_free(bench);
    }
}

/* Numbers that no entry of this store can have: no data could be missed. */
/* However many slots have one data chunk, it is read for one of them at most. */
static void test_one_data_chunk_for_all(void **state)
{
    struct bench *bench = bench_new();
    uint64_t reads_for_one;

    (void)state;
    put_merged(bench, PER_AREA, 101, 41);
    reads_for_one = io_fault_count(bench->cow, IO_FAULT_READ);
    assert_int_equal(found_end(bench), 2);
    reads_for_one = io_fault_count(bench->cow, IO_FAULT_READ) - reads_for_one;
    for (uint64_t slot = 1; slot < PER_AREA; slot += 2) /* none is the neighbour of another */
        put_merged(bench, PER_AREA + slot, 101, 41);
    io_fault_clear(bench->cow);
    assert_int_equal(found_end(bench), 2);
    assert_in_range(io_fault_count(bench->cow, IO_FAULT_READ), 1, 3 * reads_for_one);
    put_merged(bench, PER_AREA + 9, 102, 41); /* the origin has it there, too, but no list is like that */
    assert_int_equal(found_end(bench), 0);
    put(bench, PER_AREA + 9, 102, 41);
    put(bench, 3, 9, 41); /* the list uses it: all can be done without */
    assert_int_equal(found_end(bench), 2);
    bench_free(bench);
}

static void test_what_is_no_entry(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    put(bench, PER_AREA, 5, format_canonical(1, 0));      /* the first one says that it is no continuation */
    put(bench, PER_AREA + 1, 5, bench->fixture.cow_bytes / 512); /* behind the end of the COW */
    put(bench, PER_AREA + 2, 5, 34);                       /* an area */
    put(bench, PER_AREA + 3, 300, 50);                     /* behind the end of the origin */
    put(bench, PER_AREA + 4, UINT64_MAX, UINT64_MAX);
    assert_int_equal(found_end(bench), 2);
    put(bench, PER_AREA + 5, 299, 50);
    assert_int_equal(found_end(bench), 0);
    bench_free(bench);
}

/* The caller has compared the continuation; what follows it in its last area is judged here. */
static void test_continuation(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    bench->check.moved_area = 0;
    bench->check.continuation_entries = 2 * PER_AREA; /* two areas, whole */
    assert_int_equal(found_end(bench), 3);
    bench->check.continuation_entries = 2 * PER_AREA + 7; /* and a third one, which is empty from slot 7 on */
    assert_int_equal(found_end(bench), 4);
    put(bench, 3 * PER_AREA + 9, 200, 60);
    assert_int_equal(found_end(bench), 3); /* the third one has something that is missed */
    merge(bench, 200, 60);
    assert_int_equal(found_end(bench), 4);
    put(bench, 3 * PER_AREA + 6, 201, 61); /* part of the continuation, and not looked at */
    assert_int_equal(found_end(bench), 4);
    bench->check.continuation_entries = 7; /* now it is: slot 7 and those behind it are empty, area 1 is all of it */
    assert_int_equal(found_end(bench), 2);
    bench->check.continuation_entries = 0; /* the same of entries that no lost sector has cut off, once compared */
    bench->check.earlier_entries = 2 * PER_AREA + 7;
    assert_int_equal(found_end(bench), 4);
    bench_free(bench);
}

/* What cannot be read may be anything: such an area stays as it is. */
static void test_unreadable(void **state)
{
    struct bench *bench = bench_new();

    (void)state;
    put(bench, PER_AREA, 100, format_canonical(1, 0));
    put_merged(bench, PER_AREA + 1, 101, 41);
    assert_int_equal(found_end(bench), 2);
    io_fault_add(bench->cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                                .offset_bytes = 41 * 512});
    assert_int_equal(found_end(bench), 0); /* the data of one entry */
    io_fault_clear(bench->cow);
    io_fault_add(bench->cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                                .offset_bytes = format_area_offset(1, 1)});
    assert_int_equal(found_end(bench), 0); /* the area */
    bench_free(bench);
}

static void test_failures(void **state)
{
    struct bench *bench = bench_new();
    struct snap_error err = {0};
    uint64_t end = 0;

    (void)state;
    put(bench, PER_AREA, 100, format_canonical(1, 0));
    assert_int_equal(snap_leftovers_find(&bench->search, &end, &err), SNAP_OK);
    for (unsigned polls = bench->polls, at = 1; at <= polls; at++) { /* each of them, and none of the others */
        bench->polls = 0;
        bench->stop_at_poll = at;
        assert_int_equal(snap_leftovers_find(&bench->search, &end, &err), SNAP_E_STOPPED);
        assert_int_equal(end, 0);
    }
    bench->stop_at_poll = 0;
    io_fault_add(bench->cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                                .sys_errno = ENOMEM, .offset_bytes = format_area_offset(1, 1)});
    assert_int_equal(snap_leftovers_find(&bench->search, &end, &err), SNAP_E_NOMEM); /* not: an unreadable area */
    assert_int_equal(end, 0);
    io_fault_clear(bench->cow);
    io_fault_add(bench->cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true, .length_bytes = 512,
                                                .offset_bytes = format_area_offset(1, 0)});
    assert_int_equal(snap_leftovers_find(&bench->search, &end, &err), SNAP_E_IO); /* the list itself */
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_there),
        cmocka_unit_test(test_data_chunks_in_use),
        cmocka_unit_test(test_merged_entries),
        cmocka_unit_test(test_one_entry_is_missed),
        cmocka_unit_test(test_one_data_chunk_for_all),
        cmocka_unit_test(test_what_is_no_entry),
        cmocka_unit_test(test_continuation),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_failures),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

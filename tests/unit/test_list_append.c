/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries that are added to a store: how many fit, which writes and flushes, every torn state, every failure. */
#include "lib/base/bytes.h"
#include "lib/store/list_append.h"
#include "tests/support/io_fault.h"
#include "tests/unit/append_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* A store of `before` entries that shall get `added` more, with old garbage in every chunk that is not in use. */
struct bench {
    struct fixture fixture; /* its entries: before, then the new ones */
    struct append_goal goal;
    struct recorder *recorder;
    struct snap_io *io;
    struct snap_store store;
    struct snap_list_append append;
    struct snap_list_append_counts counts;
    uint64_t *olds;
    uint8_t *data;
};

static uint64_t highest(const struct snap_entry *entries, uint64_t count)
{
    uint64_t chunk = 0;

    for (uint64_t i = 0; i < count; i++)
        chunk = entries[i].new_chunk > chunk ? entries[i].new_chunk : chunk;
    return chunk;
}

/* Garbage that looks like a list going on, in areas behind the end; and in unused data chunks. */
static void litter(struct fixture *fixture, uint64_t before)
{
    const uint64_t per_area = 32 * fixture->chunk_sectors, chunks = fixture->cow_bytes / fixture->chunk_bytes;

    for (uint64_t chunk = 1 + (per_area + 1) * (before / per_area + 1); chunk < chunks; chunk += per_area + 1)
        fixture_pattern(fixture->cow + chunk * fixture->chunk_bytes, fixture->chunk_bytes, 999);
    for (uint64_t chunk = highest(fixture->entries, before) + 1; chunk < chunks; chunk++) {
        if (chunk >= 2 && chunk % (per_area + 1) != 1)
            fixture_pattern(fixture->cow + chunk * fixture->chunk_bytes, fixture->chunk_bytes, 998);
    }
}

/* `hole` chunks are left out in front of the last of the old entries. Appended chunks get olds from 50000 down. */
static struct bench *bench_new(uint64_t chunk_sectors, uint64_t before, uint64_t added, uint64_t hole,
                               uint32_t block_bytes)
{
    struct bench *bench = fixture_alloc(1, sizeof *bench);
    struct fixture fixture =
        fixture_new(chunk_sectors, (size_t)(before + added), hole, (3 * before + 1) * chunk_sectors);

    for (uint64_t i = 0; i < before; i++)
        fixture.entries[i] =
            (struct snap_entry){3 * i, format_canonical(chunk_sectors, i + (i + 1 == before) * hole)};
    fixture.count = (size_t)before;
    fixture_seal(&fixture);
    litter(&fixture, before);
    bench->olds = fixture_alloc(added + 1, sizeof *bench->olds);
    for (uint64_t i = 0; i < added; i++) {
        bench->olds[i] = 50000 - i;
        fixture.entries[before + i] =
            (struct snap_entry){50000 - i, append_next_free(chunk_sectors, highest(fixture.entries, before + i))};
    }
    bench->data = fixture_alloc(before + added + 1, fixture.chunk_bytes);
    for (uint64_t i = 0; i < before + added; i++)
        fixture_pattern(bench->data + i * fixture.chunk_bytes, fixture.chunk_bytes,
                        2 + fixture.entries[i].old_chunk);
    bench->fixture = fixture;
    bench->goal = (struct append_goal){chunk_sectors,   fixture.cow_bytes, before, before + added,
                                       fixture.entries, bench->data,       0,      0};
    bench->recorder = recorder_new();
    bench->io = io_record_new(bench->recorder, "cow", fixture.cow, fixture.cow_bytes, block_bytes, true);
    must(snap_header_open(&bench->store, bench->io, NULL));
    return bench;
}

static void bench_free(struct bench *bench)
{
    snap_list_append_free(&bench->append);
    must(snap_io_close(bench->io, NULL));
    recorder_free(bench->recorder);
    fixture_free(&bench->fixture);
    free(bench->olds);
    free(bench->data);
    free(bench);
}

static void init(struct bench *bench)
{
    must(snap_list_append_init(&bench->append, &bench->store, bench->goal.before,
                               highest(bench->fixture.entries, bench->goal.before), NULL));
}

static void flush_list(struct bench *bench)
{
    init(bench);
    must(snap_list_append_flush_list(&bench->append, &bench->counts, NULL));
}

static enum snap_status write_data(struct bench *bench)
{
    const uint64_t chunk_bytes = bench->fixture.chunk_bytes;

    for (uint64_t i = bench->goal.before; i < bench->goal.after; i++) {
        enum snap_status status = snap_io_write(
            bench->store.io, snap_list_append_chunk(&bench->append, i - bench->goal.before) * chunk_bytes, chunk_bytes,
            bench->data + i * chunk_bytes, NULL);

        if (status != SNAP_OK)
            return status;
    }
    return SNAP_OK;
}

static enum snap_status commit(struct bench *bench)
{
    return snap_list_append_commit(&bench->append, bench->olds, bench->goal.after - bench->goal.before, &bench->counts,
                                   NULL);
}

static void expect_log(const struct recorder *recorder, const char *expected)
{
    char *text = recorder_log_text(recorder, false);

    assert_string_equal(text, expected);
    free(text);
}

static void expect_goal(const struct bench *bench)
{
    uint8_t *cow = fixture_recorded(bench->recorder, "cow");
    uint64_t length = 0;
    const char *fault = append_fault(&bench->goal, cow, &length);

    if (fault)
        fail_msg("%s", fault);
    assert_int_equal(length, bench->goal.after);
    free(cow);
}

/* The whole of it: data, list, and exactly these writes and flushes once the data are there. */
static void expect_commit(uint64_t chunk_sectors, uint64_t before, uint64_t added, uint32_t block_bytes,
                          uint64_t metadata_bytes, uint64_t flushes, const char *log)
{
    struct bench *bench = bench_new(chunk_sectors, before, added, 0, block_bytes);

    flush_list(bench);
    expect_log(bench->recorder, "cow flush\n");
    must(write_data(bench));
    recorder_log_clear(bench->recorder);
    must(commit(bench));
    if (log)
        expect_log(bench->recorder, log);
    expect_goal(bench);
    assert_int_equal(bench->counts.metadata_bytes, metadata_bytes);
    assert_int_equal(bench->counts.flushes, flushes + 1);
    assert_int_equal(bench->append.entries, before + added);
    assert_int_equal(bench->append.next_chunk,
                     append_next_free(chunk_sectors, highest(bench->fixture.entries, before + added)));
    bench_free(bench);
}

#define AND_1536 "cow write 1536 512\ncow flush\n"

static void test_order_within_an_area(void **state)
{
    (void)state;
    /* Chunks of 1 KiB: area 0 at byte 1024, 32 entries in each of its two sectors. */
    expect_commit(2, 0, 1, 512, 512, 2, "cow flush\ncow write 1024 512\ncow flush\n");
    expect_commit(2, 5, 26, 512, 512, 2, "cow flush\ncow write 1024 512\ncow flush\n");
    expect_commit(2, 5, 27, 512, 512, 2, "cow flush\ncow write 1024 512\ncow flush\n");
    expect_commit(2, 5, 28, 512, 1024, 3, "cow flush\ncow write 1024 512\ncow flush\n" AND_1536);
    expect_commit(2, 32, 1, 512, 512, 2, "cow flush\ncow write 1536 512\ncow flush\n");
    expect_commit(2, 31, 32, 512, 1024, 3, "cow flush\ncow write 1024 512\ncow flush\n" AND_1536);
    /* The atomic unit of a device with large blocks is the block. */
    expect_commit(8, 5, 200, 4096, 4096, 2, "cow flush\ncow write 4096 4096\ncow flush\n");
    expect_commit(8, 250, 3, 512, 512, 2, "cow flush\ncow write 7680 512\ncow flush\n");
}

/* The area behind a full one comes first, all zeros; the unit that fills the area comes last. */
static void test_order_of_a_full_area(void **state)
{
    (void)state;
    expect_commit(2, 60, 4, 512, 1024 + 512, 2, "cow write 67584 1024\ncow flush\n" AND_1536);
    /* Entries in a later area, which nothing links yet: their data come first. */
    expect_commit(2, 60, 5, 512, 1024 + 512, 3, "cow flush\ncow write 67584 1024\ncow flush\n" AND_1536);
    expect_commit(2, 31, 33, 512, 1024 + 1024, 3,
                  "cow write 67584 1024\ncow flush\ncow write 1024 512\ncow flush\n" AND_1536);
    /* An empty area that ends a list is the current one. */
    expect_commit(2, 64, 1, 512, 512, 2, "cow flush\ncow write 67584 512\ncow flush\n");
    expect_commit(1, 32, 32, 512, 512 + 512, 2,
                  "cow write 34304 512\ncow flush\ncow write 17408 512\ncow flush\n");
}

/* Many areas: a flush for their data, one for all of them, then the units of the current one. */
static void test_order_of_many_areas(void **state)
{
    (void)state;
    expect_commit(1, 31, 33, 512, 3 * 512, 3,
                  "cow flush\ncow write 17408 512\ncow write 34304 512\ncow flush\ncow write 512 512\ncow flush\n");
    expect_commit(1, 31, 32 * 700 + 1, 512, 702 * 512, 3, NULL); /* more areas than one vector takes */
    expect_commit(8, 0, 1030, 512, 5 * 4096, 10, NULL);
    /* Areas of 512 KiB, in pieces: the second one is written whole, though two entries are in it. */
    expect_commit(1024, 0, 3, 512, 512, 2, NULL);
}

/* An area that is larger than a piece, and linked: its end is zeros, whatever was there. */
static void test_large_areas(void **state)
{
    const uint64_t chunk_sectors = 1024, chunk_bytes = chunk_sectors * 512, per_area = 32 * chunk_sectors;
    const uint64_t size_bytes = (per_area + 4) * chunk_bytes;
    const struct record_operation *log;
    struct recorder *recorder = recorder_new();
    struct snap_list_append_counts counts = {0};
    struct snap_list_append append;
    struct snap_store store;
    uint8_t *sector = fixture_alloc(1, 512);
    uint64_t olds[2] = {4711, 4712}, area_bytes = (per_area + 2) * chunk_bytes;
    struct snap_io *io = io_record_new(recorder, "cow", NULL, size_bytes, 512, true);
    size_t operations;

    (void)state;
    format_put_header(sector, FORMAT_MAGIC, 1, 1, (uint32_t)chunk_sectors);
    must(snap_io_write(io, 0, 512, sector, NULL));
    memset(sector, 0, 512);
    for (uint64_t i = 0; i < 31; i++)
        format_put_entry(sector - (2 * chunk_bytes - 512), chunk_sectors, per_area - 32 + i, i, 2 + i);
    must(snap_io_write(io, 2 * chunk_bytes - 512, 512, sector, NULL)); /* the last sector of area 0 */
    memset(sector, 0xee, 512);
    for (uint64_t at = 0; at < chunk_bytes; at += 512)
        must(snap_io_write(io, area_bytes + at, 512, sector, NULL));
    must(snap_header_open(&store, io, NULL));
    must(snap_list_append_init(&append, &store, per_area - 1, per_area, NULL));
    must(snap_list_append_flush_list(&append, &counts, NULL));
    recorder_log_clear(recorder);
    must(snap_list_append_commit(&append, olds, 2, &counts, NULL));
    log = recorder_log(recorder, &operations);
    assert_int_equal(counts.metadata_bytes, chunk_bytes + 512);
    assert_int_equal(log[operations - 2].offset_bytes, 2 * chunk_bytes - 512);
    for (uint64_t at = 0; at < chunk_bytes; at += 512) {
        must(snap_io_read(io, area_bytes + at, 512, sector, NULL));
        if (at == 0) {
            assert_int_equal(snap_get_le64(sector), 4712);
            assert_int_equal(snap_get_le64(sector + 8), per_area + 3); /* behind the area */
            memset(sector, 0, 16);
        }
        for (int i = 0; i < 512; i++)
            assert_int_equal(sector[i], 0);
    }
    snap_list_append_free(&append);
    must(snap_io_close(io, NULL));
    recorder_free(recorder);
    free(sector);
}

/* One object, many small commits, across two ends of areas: as if it had been one. */
static void test_commits_in_a_row(void **state)
{
    struct bench *bench = bench_new(1, 20, 60, 0, 512);

    (void)state;
    flush_list(bench);
    must(write_data(bench));
    for (uint64_t done = 0, step = 1; done < 60; done += step, step = step % 7 + 1) {
        step = step > 60 - done ? 60 - done : step;
        must(snap_list_append_commit(&bench->append, bench->olds + done, step, &bench->counts, NULL));
    }
    expect_goal(bench);
    bench_free(bench);
}

/* Room and chunks, held against a count chunk by chunk, for all sizes of device and of list. */
static void test_room(void **state)
{
    uint64_t random = 3;

    (void)state;
    for (uint64_t chunk_sectors = 1; chunk_sectors <= 2; chunk_sectors++) {
        for (uint64_t chunks = 2; chunks < 150 * chunk_sectors; chunks++) {
            struct snap_io *io = io_mem_new("cow", chunks * chunk_sectors * 512 + 511, 512, true);
            struct snap_store store;

            format_put_header(io_mem_bytes(io), FORMAT_MAGIC, 1, 1, (uint32_t)chunk_sectors);
            must(snap_header_open(&store, io, NULL));
            for (uint64_t count = 0; count <= snap_layout_capacity_entries(&store.layout); count++) {
                uint64_t lowest = count ? format_canonical(chunk_sectors, count - 1) : 0;
                uint64_t top = lowest;
                struct snap_list_append append;

                if (count > 0 && count % 3 == 0)
                    top += unit_random(&random, chunks - lowest);
                top -= top > 2 && top % (32 * chunk_sectors + 1) == 1;
                must(snap_list_append_init(&append, &store, count, top, NULL));
                assert_int_equal(snap_list_append_room(&append), append_room(chunk_sectors, chunks, count, top));
                assert_int_equal(snap_list_append_room(&append), snap_layout_free_entries(&store.layout, count, top));
                for (uint64_t k = 0; k < snap_list_append_room(&append); k++) {
                    top = append_next_free(chunk_sectors, top);
                    assert_int_equal(snap_list_append_chunk(&append, k), top);
                }
                snap_list_append_free(&append);
            }
            must(snap_io_close(io, NULL));
        }
    }
}

/* A legal list from an old kernel, [(1,2),(2,9)]: chunk 4 is no one's, but 10 is next. */
static void test_chunks_of_other_orders(void **state)
{
    struct bench *bench = bench_new(1, 2, 30, 6, 512);

    (void)state;
    assert_int_equal(bench->fixture.entries[1].new_chunk, 9);
    flush_list(bench);
    assert_int_equal(snap_list_append_chunk(&bench->append, 0), 10);
    assert_int_equal(snap_list_append_chunk(&bench->append, 23), 33);
    assert_int_equal(snap_list_append_chunk(&bench->append, 24), 35); /* 34 is area 1 */
    must(write_data(bench));
    must(commit(bench));
    expect_goal(bench);
    bench_free(bench);
}

/* Up to the last entry that fits, not one more: the last slot stays free (dmsnap-store(5), CAPACITY). */
static void test_full(void **state)
{
    (void)state;
    for (uint64_t hole = 0; hole <= 3; hole += 3) {
        for (uint64_t spare = 0; spare < 8; spare++) {
            struct bench *bench = bench_new(1, 25, 2 + spare, hole, 512);
            uint64_t chunks, room;

            /* The device ends right behind the last entry's data: the area that ends the list may be missing. */
            chunks = highest(bench->fixture.entries, bench->goal.after) + 1;
            bench->io->size_bytes = chunks * 512;
            bench->goal.cow_bytes = bench->io->size_bytes;
            must(snap_header_open(&bench->store, bench->io, NULL));
            flush_list(bench);
            recorder_log_clear(bench->recorder);
            room = append_room(1, chunks, 25, highest(bench->fixture.entries, 25));
            assert_int_equal(room, hole == 0 && 25 + 2 + spare == 32 ? 1 + spare : 2 + spare);
            if (room == 1 + spare) {
                assert_int_equal(commit(bench), SNAP_E_NOSPC);
                expect_log(bench->recorder, "");
                bench->goal.after--;
            }
            must(write_data(bench));
            must(commit(bench));
            expect_goal(bench);
            assert_int_equal(snap_list_append_room(&bench->append), 0);
            recorder_log_clear(bench->recorder);
            assert_int_equal(snap_list_append_commit(&bench->append, bench->olds, 1, &bench->counts, NULL),
                             SNAP_E_NOSPC);
            expect_log(bench->recorder, "");
            bench_free(bench);
        }
    }
}

static void test_nothing_costs_nothing(void **state)
{
    struct bench *bench = bench_new(1, 31, 0, 0, 512);

    (void)state;
    init(bench);
    recorder_log_clear(bench->recorder);
    must(commit(bench));
    expect_log(bench->recorder, "");
    must(snap_list_append_flush_list(&bench->append, &bench->counts, NULL));
    must(snap_list_append_flush_list(&bench->append, &bench->counts, NULL));
    expect_log(bench->recorder, "cow flush\n"); /* once */
    assert_int_equal(bench->counts.flushes, 1);
    bench_free(bench);
}

static void test_refusals(void **state)
{
    struct bench *bench = bench_new(1, 3, 2, 0, 512);
    struct snap_list_append append;
    struct snap_store store = bench->store;
    struct snap_io large = *bench->io;

    (void)state;
    init(bench);
    assert_int_equal(commit(bench), SNAP_E_INTERNAL); /* its list was not flushed */
    store.io = &large;
    large.logical_block_bytes = 4096; /* chunks of 512 bytes */
    assert_int_equal(snap_list_append_init(&append, &store, 3, 4, NULL), SNAP_E_REFUSED);
    snap_list_append_free(&append);
    assert_int_equal(snap_list_append_init(&append, &bench->store, 3, bench->store.layout.cow_chunks, NULL),
                     SNAP_E_CORRUPT);
    snap_list_append_free(&append);
    bench_free(bench);
}

/* Somebody else used the store since it was checked: nothing is written. */
static void test_list_that_changed(void **state)
{
    static const struct {
        uint64_t index, old_chunk, new_chunk;
    } changes[] = {{34, 0, 0}, {35, 7, 80}, {63, 0, 80}, {40, 7, 0}};

    (void)state;
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        struct bench *bench = bench_new(2, 35, 3, 0, 512);
        uint8_t *unit = fixture_alloc(1, 512);

        flush_list(bench);
        must(snap_io_read(bench->io, 1536, 512, unit, NULL));
        format_put_entry(unit - 1536, 2, changes[i].index, changes[i].old_chunk, changes[i].new_chunk);
        must(snap_io_write(bench->io, 1536, 512, unit, NULL));
        recorder_log_clear(bench->recorder);
        assert_int_equal(commit(bench), SNAP_E_CORRUPT);
        expect_log(bench->recorder, "");
        assert_int_equal(commit(bench), SNAP_E_INTERNAL);
        free(unit);
        bench_free(bench);
    }
}

/* Each operation in turn fails: what is on the device is a prefix, and nobody goes on. */
static void test_failures(void **state)
{
    uint64_t met = 0;

    (void)state;
    for (unsigned kind = IO_FAULT_READ; kind <= IO_FAULT_FLUSH; kind++) {
        for (uint64_t at = 0, hits = 1; hits > 0; at++) {
            struct bench *bench = bench_new(2, 20, 120, 0, 512);
            struct snap_io *mem = fixture_mem("cow", bench->fixture.cow, bench->fixture.cow_bytes, 512);
            struct snap_io *faulty = io_fault_new(mem, io_mem_drop_unflushed);
            enum snap_status status;
            uint64_t length;
            const char *fault;

            bench->store.io = faulty;
            init(bench);
            io_fault_add(faulty, &(struct io_fault){.kind = kind, .at = at, .partial = true,
                                                    .partial_sectors = at % 2});
            status = snap_list_append_flush_list(&bench->append, &bench->counts, NULL);
            if (status == SNAP_OK)
                status = write_data(bench);
            if (status == SNAP_OK)
                status = commit(bench);
            hits = io_fault_hits(faulty);
            met += hits;
            assert_int_equal(status, hits ? SNAP_E_IO : SNAP_OK);
            io_fault_clear(faulty);
            fault = append_fault(&bench->goal, io_mem_bytes(mem), &length);
            if (fault)
                fail_msg("kind %u, operation %lu: %s", kind, (unsigned long)at, fault);
            if (hits > 0 && bench->append.failed) {
                uint64_t writes = io_fault_count(faulty, IO_FAULT_WRITE);
                uint64_t flushes = io_fault_count(faulty, IO_FAULT_FLUSH);

                assert_int_equal(commit(bench), SNAP_E_INTERNAL);
                assert_int_equal(snap_list_append_flush_list(&bench->append, &bench->counts, NULL), SNAP_E_INTERNAL);
                assert_int_equal(io_fault_count(faulty, IO_FAULT_WRITE), writes);
                assert_int_equal(io_fault_count(faulty, IO_FAULT_FLUSH), flushes);
            } else if (hits > 0) {
                assert_int_equal(kind, IO_FAULT_WRITE); /* of data */
                assert_in_range(at, 0, 119);
            }
            must(snap_io_close(faulty, NULL));
            bench_free(bench);
        }
    }
    assert_int_equal(met, 1 + (120 + 2 + 2) + (1 + 2 + 2));
}

/* Every subset of the unflushed sectors, at every moment; with the data pending, and (longer lists) without. */
static void explore(uint64_t chunk_sectors, uint64_t before, uint64_t added, uint64_t hole, uint32_t block_bytes,
                    bool data_pending, uint64_t *states, uint64_t *sampled)
{
    struct bench *bench = bench_new(chunk_sectors, before, added, hole, block_bytes);
    struct append_explorer explorer = append_explorer_new(&bench->goal, "cow");

    flush_list(bench);
    must(write_data(bench));
    if (!data_pending)
        must(snap_io_flush(bench->io, NULL));
    recorder_on_operation(bench->recorder, append_explore, &explorer);
    must(commit(bench));
    recorder_on_operation(bench->recorder, NULL, NULL);
    append_explore_state(&explorer, recorder_state(bench->recorder));
    if (explorer.fault)
        fail_msg("%lu sectors, %lu + %lu entries: %s", (unsigned long)chunk_sectors, (unsigned long)before,
                 (unsigned long)added, explorer.fault);
    assert_int_equal(explorer.shortest, before);
    assert_int_equal(explorer.longest, before + added);
    *states += explorer.states;
    *sampled += explorer.sampled;
    free(explorer.image);
    bench_free(bench);
}

static void test_torn_states(void **state)
{
    uint64_t states = 0, sampled = 0, all;

    (void)state;
    explore(1, 0, 5, 0, 512, true, &states, &sampled);
    explore(1, 30, 4, 0, 512, true, &states, &sampled);   /* links area 1 */
    explore(1, 30, 2, 5, 512, true, &states, &sampled);   /* fills area 0, with a hole in the data */
    explore(2, 30, 4, 0, 512, true, &states, &sampled);   /* two units */
    explore(2, 61, 3, 0, 512, true, &states, &sampled);   /* fills area 0 */
    explore(2, 61, 5, 0, 512, true, &states, &sampled);   /* links area 1 */
    explore(2, 0, 64 + 64 + 3, 0, 512, false, &states, &sampled);
    explore(2, 10, 64 * 5, 1, 512, false, &states, &sampled);
    explore(4, 100, 300, 0, 512, false, &states, &sampled);
    explore(8, 250, 16, 0, 512, false, &states, &sampled);
    all = states;
    assert_int_equal(sampled, 0);
    explore(2, 10, 64 * 5, 1, 512, true, &states, &sampled);
    explore(4, 100, 300, 0, 512, true, &states, &sampled);
    print_message("# %lu states exhaustively, %lu sampled\n", (unsigned long)all, (unsigned long)sampled);
    assert_true(all > 7000 && sampled > 1000);
}

/* What an earlier use left there could look like the rest of a list that ends in the area in front of it. */
static void test_area_behind_the_last(void **state)
{
    static const uint64_t added[] = {5, 11, 12, 13, 44, 45};
    static const uint8_t zeros[512];

    (void)state;
    for (size_t i = 0; i < sizeof added / sizeof added[0]; i++) {
        struct bench *bench = bench_new(1, 20, added[i], 150, 512); /* a hole makes the device that much larger */
        const uint64_t last_area = (20 + added[i]) / 32;
        uint8_t *cow;

        flush_list(bench);
        must(write_data(bench));
        must(commit(bench));
        expect_goal(bench);
        cow = fixture_recorded(bench->recorder, "cow");
        for (uint64_t area = last_area + 1; area < 5; area++)
            assert_int_equal(memcmp(cow + (1 + 33 * area) * 512, zeros, 512) == 0,
                             last_area > 0 && area == last_area + 1);
        free(cow);
        bench_free(bench);
    }
}

/*
 * A cut that another run left in the disk's cache: the chunks that seem to be free are in use if the cut is lost.
 * Only the flush makes it safe to write there.
 */
static void test_cut_in_the_cache(void **state)
{
    struct bench *bench = bench_new(1, 12, 4, 0, 512);
    struct append_goal before = bench->goal;
    struct append_explorer explorer;
    uint8_t *unit = fixture_alloc(1, 512);

    (void)state;
    /* Entries 8 to 11 are cut off, without a flush; what is listed then has to have its data, cut or not. */
    must(snap_io_read(bench->io, 512, 512, unit, NULL));
    memset(unit + 8 * 16, 0, 512 - 8 * 16);
    must(snap_io_write(bench->io, 512, 512, unit, NULL));
    before.before = 8;
    before.after = 12;
    explorer = append_explorer_new(&before, "cow");
    recorder_on_operation(bench->recorder, append_explore, &explorer);
    must(snap_list_append_init(&bench->append, &bench->store, 8, 9, NULL));
    assert_int_equal(snap_list_append_chunk(&bench->append, 0), 10);
    must(snap_list_append_flush_list(&bench->append, &bench->counts, NULL));
    assert_int_equal(explorer.longest, 12);
    bench->goal.before = 8;
    must(write_data(bench));
    append_explore_state(&explorer, recorder_state(bench->recorder)); /* 10 to 13 are free by now */
    assert_null(explorer.fault);
    assert_int_equal(explorer.shortest, 8);
    recorder_on_operation(bench->recorder, NULL, NULL);
    free(explorer.image);
    free(unit);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_within_an_area),
        cmocka_unit_test(test_order_of_a_full_area),
        cmocka_unit_test(test_order_of_many_areas),
        cmocka_unit_test(test_large_areas),
        cmocka_unit_test(test_commits_in_a_row),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_chunks_of_other_orders),
        cmocka_unit_test(test_full),
        cmocka_unit_test(test_nothing_costs_nothing),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_list_that_changed),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_torn_states),
        cmocka_unit_test(test_area_behind_the_last),
        cmocka_unit_test(test_cut_in_the_cache),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

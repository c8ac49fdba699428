/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another snapshot keeps its view whatever fails, and in all states that a power loss leaves of the devices. */
#include "tests/unit/sibling_fixture.h"

#include "lib/base/arith.h"
#include "tests/support/io_fault.h"
#include "tests/unit/unit.h"

/*
 * States of both devices together, right before each flush of one of them and at the end: a flush makes what is
 * pending durable, so the states in between are among these.
 */
struct explorer {
    const struct fixture *fixture;
    const char *fault;
    uint64_t states, sampled, longest, shortest;
    uint64_t random;
};

#define STATES_MAX 4096u

/* The disk with the chosen ones of its pending sectors. */
static void make_image(const struct record_disk *disk, size_t *choice, uint64_t *random, uint64_t number,
                       uint8_t *image)
{
    for (size_t i = 0; i < disk->pending_count; i++)
        choice[i] = random ? (size_t)unit_random(random, disk->pending[i].versions + 1)
                           : (number >> i & 1) * disk->pending[i].versions;
    record_image(disk, choice, image);
}

static void explore_state(struct explorer *explorer, const struct record_state *state)
{
    const struct record_disk *cow = record_disk_of(state, "cow2"), *origin = record_disk_of(state, "origin");
    const size_t pending = cow->pending_count + origin->pending_count;
    const bool all = pending <= 12;
    const uint64_t states = all ? UINT64_C(1) << pending : STATES_MAX / 4;
    uint8_t *images[2] = {fixture_alloc(cow->sectors, 512), fixture_alloc(origin->sectors, 512)};
    size_t *choices[2] = {record_choice_new(cow), record_choice_new(origin)};

    for (uint64_t number = 0; number < states; number++) {
        uint64_t *random = all ? NULL : &explorer->random;
        uint64_t length = 0;
        const char *fault;

        make_image(cow, choices[0], random, number, images[0]);
        make_image(origin, choices[1], random, number >> cow->pending_count, images[1]);
        fault = sibling_fault(explorer->fixture, images[0], images[1], &length);
        if (fault && !explorer->fault)
            explorer->fault = fault;
        explorer->longest = length > explorer->longest ? length : explorer->longest;
        explorer->shortest = length < explorer->shortest ? length : explorer->shortest;
    }
    explorer->states += states;
    explorer->sampled += all ? 0 : states;
    for (int i = 0; i < 2; i++) {
        free(images[i]);
        free(choices[i]);
    }
}

static void explore(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    if (operation->kind == RECORD_FLUSH)
        explore_state(context, recorder_state(recorder));
}

/* A merge in loads of `load` entries, as merge.c does it: the origin is flushed now and then only. */
static void explore_merge(uint64_t merged_sectors, size_t merged, uint64_t other_sectors, size_t other,
                          size_t load, uint64_t *states, uint64_t *sampled)
{
    struct bench *bench = bench_new(merged_sectors, merged, other_sectors, other, 120, 401);
    struct explorer explorer = {.fixture = &bench->other, .shortest = UINT64_MAX, .random = 99};
    size_t loads = 0;

    bench_open(bench);
    assert_true(bench->need.needed_chunks <= bench->need.free_chunks);
    recorder_on_operation(bench->recorder, explore, &explorer);
    for (size_t end = merged; end > 0; end -= load < end ? load : end) {
        bench_load(bench, load < end ? end - load : 0, end);
        must(bench_copy(bench));
        must(snap_sibling_commit(bench->sibling, NULL));
        bench_overwrite(bench);
        if (++loads % 3 == 0)
            must(snap_io_flush(bench->origin_io, NULL));
    }
    recorder_on_operation(bench->recorder, NULL, NULL);
    explore_state(&explorer, recorder_state(bench->recorder));
    if (explorer.fault)
        fail_msg("%lu into %lu sectors: %s", (unsigned long)merged_sectors, (unsigned long)other_sectors,
                 explorer.fault);
    assert_int_equal(explorer.shortest, other);
    assert_int_equal(explorer.longest, other + bench->need.needed_chunks);
    *states += explorer.states;
    *sampled += explorer.sampled;
    bench_free(bench);
}

static void test_torn_states(void **state)
{
    uint64_t states = 0, sampled = 0;

    (void)state;
    explore_merge(1, 12, 1, 28, 2, &states, &sampled);  /* across the end of area 0 */
    explore_merge(1, 12, 2, 60, 2, &states, &sampled);
    explore_merge(2, 12, 1, 30, 1, &states, &sampled);
    explore_merge(1, 30, 8, 20, 3, &states, &sampled);  /* a chunk serves several loads */
    explore_merge(8, 8, 2, 61, 1, &states, &sampled);
    explore_merge(2, 40, 2, 10, 40, &states, &sampled); /* all in one: sampled */
    print_message("# %lu states, %lu of them sampled\n", (unsigned long)states, (unsigned long)sampled);
    assert_true(states - sampled > 5000 && sampled > 1000);
}

/* A cut of its list that was never flushed may be lost: its chunks are written only once it is durable. */
static void test_cut_in_the_cache(void **state)
{
    struct bench *bench = bench_new(1, 10, 1, 12, 30, 200);
    struct explorer explorer = {.fixture = &bench->other, .shortest = UINT64_MAX, .random = 99};
    struct fixture cut = bench->other;
    uint8_t sector[512];

    (void)state;
    /* The last four entries are merged, durably, and cut off, in the cache. */
    for (size_t i = 8; i < 12; i++)
        must(snap_io_write(bench->origin_io, cut.entries[i].old_chunk * 512, 512,
                           cut.cow + cut.entries[i].new_chunk * 512, NULL));
    must(snap_io_flush(bench->origin_io, NULL));
    must(snap_io_read(bench->other_io, 512, 512, sector, NULL));
    memset(sector + 8 * 16, 0, 4 * 16);
    must(snap_io_write(bench->other_io, 512, 512, sector, NULL));
    bench_open(bench);
    cut.count = 8; /* at least; up to the first flush all 12 may be there */
    explorer.fixture = &cut;
    recorder_on_operation(bench->recorder, explore, &explorer);
    bench_load(bench, 0, 10);
    must(bench_copy(bench));
    must(snap_sibling_commit(bench->sibling, NULL));
    bench_overwrite(bench);
    recorder_on_operation(bench->recorder, NULL, NULL);
    explore_state(&explorer, recorder_state(bench->recorder));
    if (explorer.fault)
        fail_msg("%s", explorer.fault);
    assert_int_equal(explorer.shortest, 8);
    assert_int_equal(explorer.longest, snap_max(12, 8 + bench->need.needed_chunks));
    bench_free(bench);
}

/* The bench with devices that fail, over those in memory. */
struct rig {
    struct bench *bench;
    struct snap_io *cow_mem, *origin_mem, *cow, *origin;
};

static struct rig rig_new(void)
{
    struct rig rig = {.bench = bench_new(1, 50, 2, 50, 60, 401)};
    struct fixture *other = &rig.bench->other;

    rig.cow_mem = fixture_mem("cow2", other->cow, other->cow_bytes, 512);
    rig.origin_mem = fixture_mem("origin", other->origin, other->origin_bytes, 512);
    rig.cow = io_fault_new(rig.cow_mem, io_mem_drop_unflushed);
    rig.origin = io_fault_new(rig.origin_mem, io_mem_drop_unflushed);
    rig.bench->store.io = rig.cow;
    bench_open(rig.bench);
    return rig;
}

static void rig_free(struct rig *rig)
{
    snap_sibling_close(rig->bench->sibling);
    rig->bench->sibling = NULL;
    must(snap_io_close(rig->cow, NULL));
    must(snap_io_close(rig->origin, NULL));
    bench_free(rig->bench);
}

/* Two loads, as far as it goes. */
static enum snap_status rig_run(struct rig *rig)
{
    struct bench *bench = rig->bench;
    enum snap_status status = SNAP_OK;

    for (int load = 0; load < 2 && status == SNAP_OK; load++) {
        bench_load(bench, load ? 0 : 25, load ? 25 : 50);
        status = snap_sibling_copy(bench->sibling, rig->origin, &bench->plan, &bench->control, &bench->control,
                                   NULL);
        if (status == SNAP_OK)
            status = snap_sibling_commit(bench->sibling, NULL);
        for (size_t i = 0; i < bench->plan.write_count && status == SNAP_OK; i++)
            memset(io_mem_bytes(rig->origin_mem) + bench->plan.writes[i].target_offset_bytes, 0x55,
                   bench->plan.writes[i].length_bytes);
    }
    return status;
}

static uint64_t rig_expect_view(const struct rig *rig, unsigned kind, uint64_t at)
{
    uint64_t length = 0;
    const char *fault =
        sibling_fault(&rig->bench->other, io_mem_bytes(rig->cow_mem), io_mem_bytes(rig->origin_mem), &length);

    if (fault)
        fail_msg("kind %u, operation %lu: %s", kind, (unsigned long)at, fault);
    return length;
}

/* Each operation on the sibling in turn fails: its view stands; after a flush that failed it is left alone. */
static void test_store_fails(void **state)
{
    uint64_t met = 0;

    (void)state;
    for (unsigned kind = IO_FAULT_READ; kind <= IO_FAULT_FLUSH; kind++) {
        for (uint64_t at = 0, hits = 1; hits > 0; at++) {
            struct rig rig = rig_new();
            uint64_t first = io_fault_count(rig.cow, kind), length;
            enum snap_status status;

            io_fault_add(rig.cow, &(struct io_fault){.kind = kind, .at = first + at, .partial = true,
                                                     .partial_sectors = at % 3});
            status = rig_run(&rig);
            hits = io_fault_hits(rig.cow);
            met += hits;
            assert_int_equal(status, hits ? SNAP_E_IO : SNAP_OK);
            length = rig_expect_view(&rig, kind, at);
            io_fault_clear(rig.cow);
            if (hits && kind == IO_FAULT_FLUSH) {
                uint64_t writes = io_fault_count(rig.cow, IO_FAULT_WRITE);
                uint64_t flushes = io_fault_count(rig.cow, IO_FAULT_FLUSH);

                assert_int_equal(snap_sibling_commit(rig.bench->sibling, NULL), SNAP_E_INTERNAL);
                assert_int_equal(rig_run(&rig), SNAP_E_INTERNAL);
                assert_int_equal(snap_sibling_invalidate(rig.bench->sibling, NULL), SNAP_E_INTERNAL);
                assert_int_equal(io_fault_count(rig.cow, IO_FAULT_WRITE), writes);
                assert_int_equal(io_fault_count(rig.cow, IO_FAULT_FLUSH), flushes);
            }
            /* Another run goes on from whatever is there. */
            snap_sibling_close(rig.bench->sibling);
            bench_open(rig.bench);
            length += rig.bench->need.needed_chunks;
            must(rig_run(&rig));
            assert_int_equal(rig_expect_view(&rig, kind, at), length);
            rig_free(&rig);
        }
    }
    assert_true(met > 12);
}

static void test_origin_fails(void **state)
{
    uint64_t met = 0;

    (void)state;
    for (uint64_t at = 0, hits = 1; hits > 0; at++) {
        struct rig rig = rig_new();
        uint64_t length;
        enum snap_status status;

        io_fault_add(rig.origin, &(struct io_fault){.kind = IO_FAULT_READ, .at = at});
        status = rig_run(&rig);
        hits = io_fault_hits(rig.origin);
        met += hits;
        assert_int_equal(status, hits ? SNAP_E_IO : SNAP_OK);
        length = rig_expect_view(&rig, IO_FAULT_READ, at);
        /* The same object may go on: nothing of the list was touched. */
        assert_int_equal(length, 50 + snap_sibling_counts(rig.bench->sibling)->copied_chunks);
        must(rig_run(&rig));
        assert_int_equal(rig_expect_view(&rig, IO_FAULT_READ, at), 50 + rig.bench->need.needed_chunks);
        assert_int_equal(io_fault_count(rig.origin, IO_FAULT_WRITE), 0);
        assert_int_equal(io_fault_count(rig.origin, IO_FAULT_FLUSH), 0);
        rig_free(&rig);
    }
    assert_true(met > 5);
}

/* Invalidating fails at its write, or at its flush: said so, and no further try. */
static void test_invalidate_fails(void **state)
{
    (void)state;
    for (unsigned kind = IO_FAULT_WRITE; kind <= IO_FAULT_FLUSH; kind++) {
        struct rig rig = rig_new();

        io_fault_add(rig.cow, &(struct io_fault){.kind = kind, .from_then_on = true});
        assert_int_equal(snap_sibling_invalidate(rig.bench->sibling, NULL), SNAP_E_IO);
        io_fault_clear(rig.cow);
        assert_int_equal(snap_sibling_invalidate(rig.bench->sibling, NULL), SNAP_E_INTERNAL);
        assert_int_equal(rig_run(&rig), SNAP_E_INTERNAL);
        assert_int_equal(rig_expect_view(&rig, kind, 0), 50);
        rig_free(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_torn_states),
        cmocka_unit_test(test_cut_in_the_cache),
        cmocka_unit_test(test_store_fails),
        cmocka_unit_test(test_origin_fails),
        cmocka_unit_test(test_invalidate_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carrying out a plan: its groups, its rate, its stop, its failures, and nothing but its requests. */
#include "lib/base/arith.h"
#include "lib/base/clock.h"
#include "lib/merge/copy.h"
#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>

#define SECOND_NS UINT64_C(1000000000)

/* A plan over a random store, a clock that the test winds, and a list of the groups that were done. */
struct bench {
    struct fixture fixture;
    struct snap_layout layout;
    struct snap_plan plan;
    struct snap_copy_group group;
    struct snap_copy_control control;
    struct snap_throttle throttle;
    struct snap_clock clock;
    uint8_t *buffer;
    uint64_t now_ns;
    uint64_t step_ns;          /* what each look at the clock costs: the time of a transfer */
    uint64_t polls, stop_at_poll;
    uint64_t groups, done_bytes;
    uint64_t group_bytes[4096];
    uint64_t group_ns[4096];
};

static uint64_t bench_now(void *context)
{
    struct bench *bench = context;

    bench->now_ns += bench->step_ns;
    return bench->now_ns;
}

static void bench_sleep(void *context, uint64_t duration_ns)
{
    ((struct bench *)context)->now_ns += duration_ns;
}

static bool bench_stop(void *context)
{
    struct bench *bench = context;

    return bench->polls++ >= bench->stop_at_poll;
}

static void bench_done(void *context, uint64_t length_bytes)
{
    struct bench *bench = context;

    assert_true(bench->groups < 4096);
    bench->group_ns[bench->groups] = bench->now_ns;
    bench->group_bytes[bench->groups++] = length_bytes;
    bench->done_bytes += length_bytes;
}

static struct bench *bench_new(struct fixture fixture, uint64_t rate_bytes)
{
    struct bench *bench = fixture_alloc(1, sizeof *bench);

    bench->fixture = fixture;
    must(snap_layout_init(&bench->layout, fixture.chunk_sectors, fixture.cow_bytes / 512, NULL));
    must(snap_plan_init(&bench->plan, &bench->layout, SNAP_PLAN_MERGE, fixture.count, NULL));
    snap_plan_make(&bench->plan, fixture.entries, fixture.count, 0, fixture.chunk_bytes,
                   fixture.origin_bytes / 512);
    must(snap_copy_group_init(&bench->group, NULL));
    bench->clock = (struct snap_clock){bench_now, bench_sleep, bench};
    bench->now_ns = SECOND_NS;
    snap_throttle_init(&bench->throttle, &bench->clock, rate_bytes, 0);
    bench->control = (struct snap_copy_control){&bench->clock, &bench->throttle, bench_stop, bench, bench_done, bench,
                                                false};
    bench->stop_at_poll = UINT64_MAX;
    bench->buffer = fixture_alloc(1, bench->plan.buffer_bytes);
    return bench;
}

static void bench_free(struct bench *bench)
{
    snap_plan_free(&bench->plan);
    snap_copy_group_free(&bench->group);
    fixture_free(&bench->fixture);
    free(bench->buffer);
    free(bench);
}

static void bench_reset(struct bench *bench)
{
    bench->groups = bench->done_bytes = bench->polls = 0;
    bench->group.requests_wanted = 256;
}

/* `count` sectors that are nowhere neighbours: each one request on both sides. */
static struct fixture scattered(size_t count)
{
    struct fixture fixture = fixture_new(1, count, count + 2, count * 2 + 1);

    for (size_t i = 0; i < count; i++)
        fixture.entries[i] = (struct snap_entry){i * 2, format_canonical(1, i * 2)};
    fixture_seal(&fixture);
    return fixture;
}

static enum snap_status read_all(struct bench *bench, struct snap_io *cow, struct snap_error *err)
{
    return snap_copy_read(&bench->plan, cow, bench->buffer, &bench->group, &bench->control, err);
}

static enum snap_status write_all(struct bench *bench, struct snap_io *origin, struct snap_error *err)
{
    return snap_copy_write(&bench->plan, origin, bench->buffer, &bench->group, &bench->control, err);
}

static void test_copies_the_view(void **state)
{
    static const uint64_t sizes[] = {1, 2, 8, 128, 4096};

    (void)state;
    for (size_t s = 0; s < 5; s++) {
        size_t count = sizes[s] > 128 ? 3 : 2000 / sizes[s] + 20;
        struct bench *bench =
            bench_new(fixture_random_store(s + 3, sizes[s], count, sizes[s] * count * 2 + (sizes[s] + 1) / 2, true), 0);
        struct fixture *fixture = &bench->fixture;
        struct snap_io *cow = fixture_mem("cow", fixture->cow, fixture->cow_bytes, 512);
        struct snap_io *origin = fixture_mem("origin", fixture->origin, fixture->origin_bytes, 512);
        uint8_t *replaced = fixture_alloc(1, bench->plan.buffer_bytes);

        cow->writable = false;
        must(read_all(bench, cow, NULL));
        assert_int_equal(bench->done_bytes, bench->plan.read_bytes);
        must(snap_copy_read_target(&bench->plan, origin, replaced, &bench->group, &bench->control, NULL));
        bench_reset(bench);
        must(write_all(bench, origin, NULL));
        assert_int_equal(bench->done_bytes, bench->plan.write_bytes);
        assert_memory_equal(io_mem_bytes(origin), fixture->view, fixture->origin_bytes);
        assert_memory_equal(io_mem_bytes(cow), fixture->cow, fixture->cow_bytes);
        /* What was replaced stands in the same places: written back, it is the old origin. */
        must(snap_copy_write(&bench->plan, origin, replaced, &bench->group, &bench->control, NULL));
        assert_memory_equal(io_mem_bytes(origin), fixture->origin, fixture->origin_bytes);
        must(snap_io_close(cow, NULL));
        must(snap_io_close(origin, NULL));
        free(replaced);
        bench_free(bench);
    }
}

/* The log has the plan's requests, each once, in order. */
static void test_requests_are_the_plan(void **state)
{
    struct bench *bench = bench_new(fixture_random_store(7, 2, 900, 6001, true), 0);
    struct recorder *recorder = recorder_new();
    struct snap_io *cow = io_record_new(recorder, "cow", bench->fixture.cow, bench->fixture.cow_bytes, 512, true);
    struct snap_io *origin =
        io_record_new(recorder, "origin", bench->fixture.origin, bench->fixture.origin_bytes, 512, true);
    const struct record_operation *log;
    size_t operations, at = 0;

    (void)state;
    must(read_all(bench, cow, NULL));
    must(write_all(bench, origin, NULL));
    log = recorder_log(recorder, &operations);
    assert_int_equal(operations, bench->plan.read_count + bench->plan.write_count);
    for (size_t i = 0; i < bench->plan.read_count; i++, at++) {
        assert_int_equal(log[at].disk, 0);
        assert_int_equal(log[at].kind, RECORD_READ);
        assert_int_equal(log[at].offset_bytes, bench->plan.reads[i].source_offset_bytes);
        assert_int_equal(log[at].length_bytes, bench->plan.reads[i].length_bytes);
    }
    for (size_t i = 0; i < bench->plan.write_count; i++, at++) {
        assert_int_equal(log[at].disk, 1);
        assert_int_equal(log[at].kind, RECORD_WRITE);
        assert_int_equal(log[at].offset_bytes, bench->plan.writes[i].target_offset_bytes);
        assert_int_equal(log[at].length_bytes, bench->plan.writes[i].length_bytes);
    }
    must(snap_io_close(cow, NULL));
    must(snap_io_close(origin, NULL));
    recorder_free(recorder);
    bench_free(bench);
}

/* A fast device gets larger groups, up to the limit; a slow one smaller, down to the least. */
static void test_groups_adapt(void **state)
{
    static const uint64_t fast[] = {256, 512, 1024, 2048, 4096, 4096, 1968};
    struct bench *bench = bench_new(scattered(14000), 0);
    struct snap_io *cow = fixture_mem("cow", bench->fixture.cow, bench->fixture.cow_bytes, 512);
    struct snap_io *origin = fixture_mem("origin", bench->fixture.origin, bench->fixture.origin_bytes, 512);

    (void)state;
    must(read_all(bench, cow, NULL));
    assert_int_equal(bench->groups, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(bench->group_bytes[i], fast[i] * 512);
    bench_reset(bench);
    must(write_all(bench, origin, NULL));
    assert_int_equal(bench->groups, 7);
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(bench->group_bytes[i], fast[i] * 512);
    bench_reset(bench);
    bench->step_ns = SECOND_NS; /* a second for each */
    must(write_all(bench, origin, NULL));
    assert_int_equal(bench->group_bytes[0], 256 * 512);
    assert_int_equal(bench->group_bytes[1], 128 * 512);
    assert_int_equal(bench->group_bytes[4], 16 * 512);
    assert_int_equal(bench->group_bytes[5], 16 * 512);
    assert_int_equal(bench->done_bytes, 14000 * 512);
    bench_reset(bench);
    bench->step_ns = SECOND_NS / 4; /* as it should be */
    must(write_all(bench, origin, NULL));
    assert_int_equal(bench->group_bytes[0], 256 * 512);
    assert_int_equal(bench->group_bytes[40], 256 * 512);
    must(snap_io_close(cow, NULL));
    must(snap_io_close(origin, NULL));
    bench_free(bench);
}

/* 1024 pieces a request: a group ends where its room for pieces does, though it could take 4096 requests. */
static void test_pieces_limit_a_group(void **state)
{
    const size_t count = 20000;
    struct fixture fixture = fixture_new(1, count, count + 2, count);
    struct bench *bench;
    struct snap_io *cow, *origin;

    (void)state;
    for (size_t i = 0; i < count; i++) /* neighbours on the origin, from the back on the COW: every chunk a piece */
        fixture.entries[i] = (struct snap_entry){i, format_canonical(1, count * 2 - i * 2)};
    fixture_seal(&fixture);
    bench = bench_new(fixture, 0);
    cow = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    origin = fixture_mem("origin", fixture.origin, fixture.origin_bytes, 512);
    assert_int_equal(bench->plan.write_count, 20);
    must(read_all(bench, cow, NULL));
    bench_reset(bench);
    must(write_all(bench, origin, NULL));
    assert_int_equal(bench->groups, 2);
    assert_int_equal(bench->group_bytes[0], 16384 * 512); /* 16 requests */
    assert_memory_equal(io_mem_bytes(origin), fixture.view, fixture.origin_bytes);
    must(snap_io_close(cow, NULL));
    must(snap_io_close(origin, NULL));
    bench_free(bench);
}

static void test_rate(void **state)
{
    struct bench *bench = bench_new(scattered(5000), 512 * 100); /* a burst is 10 sectors */
    struct snap_io *cow = fixture_mem("cow", bench->fixture.cow, bench->fixture.cow_bytes, 512);
    uint64_t sum = 0;

    (void)state;
    must(read_all(bench, cow, NULL));
    assert_int_equal(bench->groups, 500);
    for (uint64_t i = 0; i < bench->groups; i++) {
        assert_int_equal(bench->group_bytes[i], 5120);
        sum += bench->group_bytes[i];
        assert_true((double)sum <= 51200.0 * (double)(bench->group_ns[i] - SECOND_NS) / (double)SECOND_NS + 5120 + 1);
    }
    assert_true(bench->now_ns >= 50 * SECOND_NS && bench->now_ns <= 52 * SECOND_NS);
    must(snap_io_close(cow, NULL));
    bench_free(bench);
}

/* A device that remembers its largest request. */
struct largest {
    struct snap_io io;
    struct snap_io *lower;
    uint64_t bytes, requests;
};

static enum snap_status largest_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                         struct snap_error *err)
{
    struct largest *largest = (struct largest *)io;

    for (size_t i = 0; i < count; i++)
        largest->bytes = snap_max(largest->bytes, snap_io_request_bytes(&requests[i]));
    largest->requests += count;
    return snap_io_transfer(largest->lower, requests, count, err);
}

/* Requests of 1 MiB are made in pieces of a tenth of a second's worth, in whole blocks; one block at least. */
static void test_rate_below_a_request(void **state)
{
    static const struct snap_io_ops ops = {.transfer = largest_transfer};
    static const struct { uint64_t rate_bytes, largest_bytes; } cases[] = {
        {1000, 4096}, {100000, 8192}, {1 << 20, 102400}, {20 << 20, 1 << 20}, {0, 1 << 20}};

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench *bench = bench_new(fixture_random_store(3, 2048, 3, 20480, false), cases[i].rate_bytes);
        struct largest largest = {.lower = fixture_mem("cow", bench->fixture.cow, bench->fixture.cow_bytes, 512)};

        largest.io = *largest.lower;
        largest.io.ops = &ops;
        must(read_all(bench, &largest.io, NULL));
        assert_int_equal(largest.bytes, cases[i].largest_bytes);
        assert_true(largest.requests >= bench->plan.read_bytes / cases[i].largest_bytes);
        if (cases[i].rate_bytes) /* all but the last piece has been paid for */
            assert_true(bench->now_ns - SECOND_NS >= (uint64_t)((double)(bench->plan.read_bytes - largest.bytes) /
                                                                (double)cases[i].rate_bytes * 0.99 * SECOND_NS));
        must(snap_io_close(largest.lower, NULL));
        bench_free(bench);
    }
}

/* At every poll: the groups before it are done whole, nothing of the others. */
static void test_stop(void **state)
{
    struct bench *bench = bench_new(scattered(2000), 0);
    struct snap_io *cow = fixture_mem("cow", bench->fixture.cow, bench->fixture.cow_bytes, 512);
    struct snap_error err = {.status = SNAP_OK};

    (void)state;
    must(read_all(bench, cow, NULL));
    assert_int_equal(bench->groups, 4); /* 256, 512, 1024, 208 */
    for (uint64_t stop = 0; stop < 4; stop++) {
        struct snap_io *origin =
            io_fault_new(fixture_mem("origin", bench->fixture.origin, bench->fixture.origin_bytes, 512), NULL);
        uint64_t sectors = (UINT64_C(256) << stop) - 256;

        bench_reset(bench);
        bench->stop_at_poll = stop;
        assert_int_equal(write_all(bench, origin, &err), SNAP_E_STOPPED);
        assert_int_equal(err.status, SNAP_E_STOPPED);
        assert_int_equal(bench->groups, stop);
        assert_int_equal(bench->done_bytes, sectors * 512);
        assert_int_equal(io_fault_count(origin, IO_FAULT_WRITE), sectors);
        bench_reset(bench);
        assert_int_equal(read_all(bench, cow, &err), SNAP_E_STOPPED);
        must(snap_io_close(origin, NULL));
    }
    must(snap_io_close(cow, NULL));
    bench_free(bench);
}

/* A bad request: its group is tried whole, none after it, and what was done before it was reported. */
static void test_failures(void **state)
{
    static const uint64_t bad[] = {0, 255, 256, 767, 768, 1999};
    static const uint64_t tried[] = {256, 256, 768, 768, 1792, 2000}, reported[] = {0, 0, 256, 256, 768, 1792};

    (void)state;
    for (size_t b = 0; b < 6; b++) {
        struct bench *bench = bench_new(scattered(2000), 0);
        struct snap_io *cow =
            io_fault_new(fixture_mem("disk7", bench->fixture.cow, bench->fixture.cow_bytes, 512), NULL);
        struct snap_io *origin =
            io_fault_new(fixture_mem("disk8", bench->fixture.origin, bench->fixture.origin_bytes, 512), NULL);
        struct snap_error err = {.status = SNAP_OK};

        io_fault_add(cow, &(struct io_fault){.kind = IO_FAULT_READ, .at = bad[b]});
        assert_int_equal(read_all(bench, cow, &err), SNAP_E_IO);
        assert_non_null(strstr(err.text, "disk7: "));
        assert_int_equal(io_fault_count(cow, IO_FAULT_READ), tried[b]);
        assert_int_equal(bench->done_bytes, reported[b] * 512);
        bench_reset(bench);
        io_fault_clear(cow);
        must(read_all(bench, cow, &err));

        bench_reset(bench);
        io_fault_add(origin, &(struct io_fault){.kind = IO_FAULT_WRITE, .at = bad[b], .sys_errno = ENOSPC});
        assert_int_equal(write_all(bench, origin, &err), SNAP_E_NOSPC);
        assert_non_null(strstr(err.text, "disk8: "));
        assert_int_equal(io_fault_count(origin, IO_FAULT_WRITE), tried[b]);
        assert_int_equal(io_fault_count(origin, IO_FAULT_READ), 0);
        assert_int_equal(bench->done_bytes, reported[b] * 512);
        must(snap_io_close(cow, NULL));
        must(snap_io_close(origin, NULL));
        bench_free(bench);
    }
}

static void test_nothing_to_do(void **state)
{
    struct bench *bench = bench_new(scattered(3), 0);
    struct snap_io *io = io_fault_new(io_mem_new("any", 4096, 512, true), NULL);

    (void)state;
    snap_plan_make(&bench->plan, bench->fixture.entries, 0, 0, 512, 7);
    must(read_all(bench, io, NULL));
    must(write_all(bench, io, NULL));
    assert_int_equal(io_fault_count(io, IO_FAULT_READ) + io_fault_count(io, IO_FAULT_WRITE), 0);
    assert_int_equal(bench->groups, 0);
    must(snap_io_close(io, NULL));
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_copies_the_view),
        cmocka_unit_test(test_requests_are_the_plan),
        cmocka_unit_test(test_groups_adapt),
        cmocka_unit_test(test_pieces_limit_a_group),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_rate_below_a_request),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_nothing_to_do),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking at the origin before or after the write: what is identical is skipped, what was written is read back. */
#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/merge_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>

/* A device that says yes and writes something else: the first byte of the write that covers `lie_at`. */
struct liar {
    struct snap_io io;
    struct snap_io *lower;
    uint64_t lie_at;
};

static enum snap_status liar_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                      struct snap_error *err)
{
    struct liar *liar = (struct liar *)io;
    enum snap_status status = snap_io_transfer(liar->lower, requests, count, err);

    for (size_t i = 0; i < count && status == SNAP_OK; i++) {
        uint64_t length_bytes = snap_io_request_bytes(&requests[i]);

        if (requests[i].kind == SNAP_IO_WRITE && liar->lie_at - requests[i].offset_bytes < length_bytes)
            ((uint8_t *)io_mem_bytes(liar->lower))[liar->lie_at] ^= 1;
    }
    return status;
}

static enum snap_status liar_flush(struct snap_io *io, struct snap_error *err)
{
    return snap_io_flush(((struct liar *)io)->lower, err);
}

static void run_liar(bool verify)
{
    static const struct snap_io_ops ops = {.transfer = liar_transfer, .flush = liar_flush};
    struct fixture fixture = fixture_random_store(3, 1, 100, 401, false);
    struct snap_io *cow = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    struct liar liar = {.lower = fixture_mem("origin", fixture.origin, fixture.origin_bytes, 512)};
    const struct snap_merge_options options = {.window_entries_max = 20, .verify = verify};
    const struct snap_merge_job job = merge_job(&fixture);
    struct snap_merge_result result;
    struct snap_error err = {0};
    struct snap_store store;
    char place[64];

    liar.io = *liar.lower;
    liar.io.ops = &ops;
    liar.io.name = "disk8";
    liar.lie_at = fixture.entries[50].old_chunk * 512;
    must(snap_header_open(&store, cow, NULL));
    if (!verify) { /* nobody looks: this is what the option is for */
        must(merge_once(&store, &liar.io, &job, &options, &result, &err));
        assert_memory_not_equal(io_mem_bytes(liar.lower), fixture.view, fixture.origin_bytes);
        assert_int_equal(result.verified_bytes, 0);
    } else {
        assert_int_equal(merge_once(&store, &liar.io, &job, &options, &result, &err), SNAP_E_IO);
        (void)snprintf(place, sizeof place, "disk8: byte %llu does not read back", (unsigned long long)liar.lie_at);
        assert_non_null(strstr(err.text, place));
        assert_true(merge_list_length(&fixture, io_mem_bytes(cow)) > 50);  /* the entry is still in the list: */
        assert_null(merge_state_fault(&fixture, io_mem_bytes(cow), io_mem_bytes(liar.lower))); /* the view is right */
    }
    must(snap_io_close(cow, NULL));
    must(snap_io_close(liar.lower, NULL));
    fixture_free(&fixture);
}

#define RATE_BYTES (512u * 100)
#define BURST_BYTES (RATE_BYTES / 10)
#define SECOND_NS 1000000000u

/* Time passes only while somebody sleeps. */
static uint64_t rated_now_ns(void *context)
{
    return *(const uint64_t *)context;
}

static void rated_sleep_ns(void *context, uint64_t duration_ns)
{
    *(uint64_t *)context += duration_ns;
}

struct rated {
    uint64_t now_ns, last_ns, origin_bytes;
    double unpaid_bytes; /* what the rate has not paid for yet; a pause saves nothing up */
    bool exceeded;
};

/* Looks at each operation on the origin (disk 1). */
static void rated_operation(void *context, const struct recorder *recorder, const struct record_operation *operation)
{
    struct rated *rated = context;

    (void)recorder;
    if (operation->disk != 1)
        return;
    rated->origin_bytes += operation->length_bytes;
    rated->unpaid_bytes -= (double)RATE_BYTES * (double)(rated->now_ns - rated->last_ns) / SECOND_NS;
    rated->unpaid_bytes = (rated->unpaid_bytes > 0 ? rated->unpaid_bytes : 0) + (double)operation->length_bytes;
    rated->last_ns = rated->now_ns;
    rated->exceeded |= rated->unpaid_bytes > BURST_BYTES + 1;
}

/* What is read from the origin and what is written to it count together, each byte as often as it moves. */
static void run_rated(bool skip_identical, bool verify, unsigned passes)
{
    struct fixture fixture = fixture_random_store(3, 1, 1000, 4001, false);
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    struct rated rated = {.now_ns = 0};
    const struct snap_clock clock = {rated_now_ns, rated_sleep_ns, &rated.now_ns};
    const struct snap_merge_options options = {
        .clock = &clock, .rate_bytes = RATE_BYTES, .skip_identical = skip_identical, .verify = verify};
    const double paid_ns = (double)passes * 1000 * 512 / RATE_BYTES * SECOND_NS;

    recorder_on_operation(bench->recorder, rated_operation, &rated);
    must(merge_once(&bench->store, bench->origin, &bench->job, &options, &bench->result, NULL));
    assert_false(rated.exceeded);
    assert_int_equal(rated.origin_bytes, passes * 1000 * 512);
    /* The COW is read in turn with this here, which takes the time of one more pass. */
    assert_true((double)rated.now_ns >= paid_ns * (passes + 1) / passes * 0.9);
    assert_true((double)rated.now_ns <= paid_ns * (passes + 1) / passes * 1.1);
    recorder_on_operation(bench->recorder, NULL, NULL);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

static void test_a_rate_holds_for_all_that_a_device_does(void **state)
{
    (void)state;
    run_rated(false, false, 1);
    run_rated(true, false, 2);
    run_rated(false, true, 2);
    run_rated(true, true, 3);
}

static void test_a_device_that_lies_is_found_out(void **state)
{
    (void)state;
    run_liar(false);
    run_liar(true);
}

/* Read back what is durable, before the list is cut; one flush of the origin for a window of one load. */
static void test_verify_comes_between_flush_and_cut(void **state)
{
    static const uint64_t olds[] = {9, 2, 7, 0, 5, 4};
    struct fixture fixture = fixture_new(1, 6, 0, 20);
    struct merge_bench *bench;
    char *text;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        fixture.entries[i] = (struct snap_entry){olds[i], i + 2};
    fixture_seal(&fixture);
    bench = merge_bench_new(&fixture, 512);
    must(merge_once(&bench->store, bench->origin, &bench->job, &(struct snap_merge_options){.verify = true},
                    &bench->result, NULL));
    text = recorder_log_text(bench->recorder, true);
    assert_string_equal(strstr(text, "origin"), "origin write 0 512\norigin write 1024 512\norigin write 2048 1024\n"
                                                "origin write 3584 512\norigin write 4608 512\n"
                                                "origin flush\n"
                                                "origin read 0 512\norigin read 1024 512\norigin read 2048 1024\n"
                                                "origin read 3584 512\norigin read 4608 512\n"
                                                "cow read 512 512\ncow write 512 512\ncow flush\n");
    assert_int_equal(bench->result.verified_bytes, bench->result.written_bytes);
    assert_int_equal(bench->result.origin_flushes, 1);
    free(text);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/* Several loads in a window: each is read back while its data are still in the buffer. */
static void test_verify_covers_every_load(void **state)
{
    struct fixture fixture = fixture_random_store(5, 2, 200, 799, true);

    (void)state;
    for (uint64_t table = 0; table <= 200; table += 50) {
        struct merge_bench *bench = merge_bench_new(&fixture, 512);
        const struct snap_merge_options options = {
            .verify = true, .load_entries_max = 16, .table_entries_max = table, .skip_identical = table == 100};

        must(merge_once(&bench->store, bench->origin, &bench->job, &options, &bench->result, NULL));
        assert_int_equal(bench->result.verified_bytes, bench->result.written_bytes);
        assert_int_equal(bench->result.verified_bytes + bench->result.equal_bytes, bench->job.total_bytes);
        merge_bench_free(bench);
    }
    fixture_free(&fixture);
}

/* A read that fails while verifying is a failure: unread is unverified. A failed flush is never repeated. */
static void test_verify_failures(void **state)
{
    static const enum io_fault_kind kinds[] = {IO_FAULT_READ, IO_FAULT_FLUSH};

    (void)state;
    for (int k = 0; k < 2; k++) {
        for (uint64_t at = 0; at < 3; at++) {
            struct fixture fixture = fixture_random_store(3, 1, 100, 401, false);
            struct snap_io *cow = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
            struct snap_io *mem = fixture_mem("origin", fixture.origin, fixture.origin_bytes, 512);
            struct snap_io *origin = io_fault_new(mem, io_mem_drop_unflushed);
            const struct snap_merge_options options = {.window_entries_max = 20, .verify = true};
            const struct snap_merge_job job = merge_job(&fixture);
            struct snap_merge_result result;
            struct snap_store store;

            io_fault_add(origin, &(struct io_fault){.kind = kinds[k], .at = at});
            must(snap_header_open(&store, cow, NULL));
            assert_int_equal(merge_once(&store, origin, &job, &options, &result, NULL), SNAP_E_IO);
            if (kinds[k] == IO_FAULT_FLUSH)
                assert_int_equal(io_fault_count(origin, IO_FAULT_FLUSH), at + 1);
            assert_true(merge_list_length(&fixture, io_mem_bytes(cow)) > 0);
            assert_null(merge_state_fault(&fixture, io_mem_bytes(cow), io_mem_bytes(mem)));
            must(snap_io_close(cow, NULL));
            must(snap_io_close(origin, NULL));
            fixture_free(&fixture);
        }
    }
}

/* Every third chunk is on the origin already: it is not written, and the window is flushed all the same. */
static void test_skip_identical(void **state)
{
    struct fixture fixture = fixture_random_store(8, 2, 90, 361, false);
    struct snap_io *cow = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    struct snap_io *mem = fixture_mem("origin", fixture.origin, fixture.origin_bytes, 512);
    struct snap_io *origin = io_fault_new(mem, NULL);
    const struct snap_merge_options options = {.window_entries_max = 30, .skip_identical = true};
    const struct snap_merge_job job = merge_job(&fixture);
    struct snap_merge_result result;
    struct snap_store store;
    uint64_t equal_bytes = 0, writes;

    (void)state;
    for (size_t i = 0; i < 90; i += 3) {
        const uint64_t at = fixture.entries[i].old_chunk * 1024;
        const uint64_t length = at + 1024 <= fixture.origin_bytes ? 1024 : fixture.origin_bytes - at;

        must(snap_io_write(origin, at, length, fixture.view + at, NULL));
        equal_bytes += length;
    }
    must(snap_header_open(&store, cow, NULL));
    must(merge_once(&store, origin, &job, &options, &result, NULL));
    assert_int_equal(result.equal_bytes, equal_bytes);
    assert_int_equal(result.written_bytes, job.total_bytes - equal_bytes);
    assert_int_equal(result.origin_flushes, result.windows);
    assert_memory_equal(io_mem_bytes(mem), fixture.view, fixture.origin_bytes);
    assert_int_equal(merge_list_length(&fixture, io_mem_bytes(cow)), 0);

    /* Once more, with everything merged before: no write, and each window flushed. */
    must(snap_io_close(cow, NULL));
    cow = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    must(snap_header_open(&store, cow, NULL));
    writes = io_fault_count(origin, IO_FAULT_WRITE);
    must(merge_once(&store, origin, &job, &options, &result, NULL));
    assert_int_equal(io_fault_count(origin, IO_FAULT_WRITE), writes);
    assert_int_equal(result.equal_bytes, job.total_bytes);
    assert_true(result.windows >= 3);
    assert_int_equal(result.origin_flushes, result.windows);
    must(snap_io_close(cow, NULL));
    must(snap_io_close(origin, NULL));
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_rate_holds_for_all_that_a_device_does),
        cmocka_unit_test(test_a_device_that_lies_is_found_out),
        cmocka_unit_test(test_verify_comes_between_flush_and_cut),
        cmocka_unit_test(test_verify_covers_every_load),
        cmocka_unit_test(test_verify_failures),
        cmocka_unit_test(test_skip_identical),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

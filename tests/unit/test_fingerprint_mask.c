/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fingerprint of a store that is merged: masked before the first cut, gone at the end, true all the time. */
#include "lib/check/fingerprinting.h"
#include "tests/support/io_fault.h"
#include "tests/unit/merge_fixture.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>

#define BLOCKS 60u

/* 20 entries, each half a block or (chunk_sectors 8) a block, for the blocks 0, 3, 6, ...; with a fingerprint. */
static struct fixture store_new(uint64_t chunk_sectors)
{
    struct fixture fixture = fixture_new(chunk_sectors, 20, 0, BLOCKS * 8 + 5);
    const struct snap_identity identity = {.store_id = {1}, .origin_sectors = BLOCKS * 8 + 5};
    struct snap_fingerprint fingerprint;
    struct snap_io *origin;
    uint32_t unreadable;

    for (size_t i = 0; i < 20; i++)
        fixture.entries[i] = (struct snap_entry){i * 3 * (8 / chunk_sectors), format_canonical(chunk_sectors, i)};
    fixture_seal(&fixture);
    origin = fixture_mem("origin", fixture.origin, fixture.origin_bytes, 512);
    must(snap_fingerprinting_take(&fingerprint, identity.store_id, origin, NULL, &unreadable, NULL));
    must_close(origin);
    snap_codec_encode_record(&identity, fixture.cow);
    snap_codec_encode_fingerprint(&fingerprint, fixture.cow + 512);
    return fixture;
}

/* What the store says of the origin, both as they are now. */
static struct snap_fingerprint_result compare(const struct merge_bench *bench)
{
    struct snap_fingerprint_result result;
    struct snap_store store;

    must(snap_header_open(&store, bench->cow, NULL));
    must(snap_fingerprinting_compare(&store, bench->origin, &result, NULL));
    assert_int_equal(result.differ, 0);
    return result;
}

static enum snap_status merge(struct merge_bench *bench, const struct snap_merge_options *options)
{
    must(snap_header_open(&bench->store, bench->cow, NULL));
    recorder_log_clear(bench->recorder);
    return merge_once(&bench->store, bench->origin, &bench->job, options, &bench->result, NULL);
}

static void assert_log(const struct merge_bench *bench, const char *expected)
{
    char *text = recorder_log_text(bench->recorder, false);

    assert_string_equal(text, expected);
    free(text);
}

static void test_exact_order(void **state)
{
    const struct snap_merge_options options = {.window_entries_max = 10};
    struct fixture fixture = store_new(4);
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    struct snap_merge_result plan;
    const char *log;
    char *text;

    (void)state;
    assert_int_equal(compare(bench).listed, 20);
    must(snap_merge_dry_run(&bench->store, bench->origin, &bench->job, &options, &plan, NULL));
    must(merge(bench, &options));
    text = recorder_log_text(bench->recorder, false);
    log = text;
    assert_ptr_equal(strstr(log, "cow write 512 512\ncow flush\norigin write"), log); /* the mask */
    log = strstr(log, "cow write 2048 512\ncow flush\ncow write 512 512\n"); /* the last cut; the fingerprint goes */
    assert_non_null(log);
    assert_string_equal(log + strlen("cow write 2048 512\ncow flush\ncow write 512 512\n"), "cow flush\n");
    free(text);
    assert_int_equal(bench->result.cow_flushes, plan.cow_flushes);
    assert_int_equal(bench->result.metadata_bytes, plan.metadata_bytes);
    assert_int_equal(plan.cow_flushes, 4);
    assert_int_equal(plan.metadata_bytes, 4 * 512);
    assert_false(compare(bench).present);
    text = (char *)fixture_recorded(bench->recorder, "cow");
    assert_true(snap_all_zero((const uint8_t *)text + 512, 512));
    free(text);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/* On larger blocks record and fingerprint are one unit, and the record stays as it is. */
static void test_large_blocks(void **state)
{
    struct fixture fixture = store_new(8);
    struct merge_bench *bench = merge_bench_new(&fixture, 4096);
    uint8_t *after;

    (void)state;
    must(merge(bench, &(struct snap_merge_options){.keep_fingerprint = true}));
    after = fixture_recorded(bench->recorder, "cow");
    assert_memory_equal(after, fixture.cow, 512);
    assert_int_equal(compare(bench).masked, 20);
    bench->job = (struct snap_merge_job){.entries = 0};
    must(merge(bench, &(struct snap_merge_options){.memory_bytes = 0}));
    assert_false(compare(bench).present);
    free(after);
    after = fixture_recorded(bench->recorder, "cow");
    assert_memory_equal(after, fixture.cow, 512);
    free(after);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

static bool stop_at_third(void *context)
{
    return ++*(unsigned *)context > 3;
}

/* A merge that is stopped has masked all it was going to change; the next one has nothing to add. */
static void test_stopped(void **state)
{
    struct fixture fixture = store_new(4);
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    unsigned calls = 0;
    struct snap_merge_options options = {
        .window_entries_max = 5, .stop = stop_at_third, .stop_context = &calls, .keep_fingerprint = true};
    struct snap_fingerprint_result result;
    char *text;

    (void)state;
    assert_int_equal(merge(bench, &options), SNAP_E_STOPPED);
    assert_true(bench->result.entries_left > 0 && bench->result.entries_left < 20);
    result = compare(bench);
    assert_int_equal(result.masked, 20);
    assert_int_equal(result.agree, BLOCKS - 20);
    options.stop = NULL;
    bench->job.entries = bench->result.entries_left;
    must(merge(bench, &options));
    text = recorder_log_text(bench->recorder, false);
    assert_null(strstr(text, "cow write 512 512"));
    free(text);
    result = compare(bench); /* it was to be kept */
    assert_int_equal(result.masked, 20);
    assert_int_equal(result.agree, BLOCKS - 20);

    /* A run that finds the list empty completes what a killed one has left. */
    bench->job = (struct snap_merge_job){.entries = 0};
    must(merge(bench, &(struct snap_merge_options){.memory_bytes = 0}));
    assert_log(bench, "cow flush\ncow write 512 512\ncow flush\n");
    assert_false(compare(bench).present);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/* A new store that nobody has used yet: there is nothing to merge, and the origin is still what it was. */
static void test_new_store(void **state)
{
    struct fixture fixture = store_new(4);
    struct merge_bench *bench;
    struct snap_merge_result plan;

    (void)state;
    memset(fixture.cow + 2048, 0, 2048);
    bench = merge_bench_new(&fixture, 512);
    bench->job = (struct snap_merge_job){.entries = 0};
    must(snap_merge_dry_run(&bench->store, bench->origin, &bench->job, &(struct snap_merge_options){.memory_bytes = 0},
                            &plan, NULL));
    assert_int_equal(plan.metadata_bytes, 0);
    must(merge(bench, &(struct snap_merge_options){.memory_bytes = 0}));
    assert_log(bench, "cow flush\n");
    assert_int_equal(compare(bench).agree, BLOCKS);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

static void test_kept_cow(void **state)
{
    struct fixture fixture = store_new(4);
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    struct snap_fingerprint_result result;
    char *text;

    (void)state;
    must(merge(bench, &(struct snap_merge_options){.keep_cow = true}));
    text = recorder_log_text(bench->recorder, false);
    assert_null(strstr(text, "cow"));
    free(text);
    result = compare(bench); /* what the merge has changed is still listed */
    assert_int_equal(result.listed, 20);
    assert_int_equal(result.agree, BLOCKS - 20);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/* A store without one, and one that is damaged or of another store, gets no write. */
static void test_none(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        struct fixture fixture = store_new(4);
        struct merge_bench *bench;
        char *text;

        if (i == 0)
            memset(fixture.cow + 512, 0, 512);
        else
            fixture.cow[i == 1 ? 600 : 32]++;
        bench = merge_bench_new(&fixture, 512);
        must(merge(bench, &(struct snap_merge_options){.memory_bytes = 0}));
        text = recorder_log_text(bench->recorder, false);
        assert_null(strstr(text, "cow write 512 512"));
        free(text);
        merge_bench_free(bench);
        fixture_free(&fixture);
    }
}

/* A pair in memory, with faults. */
struct faulty {
    struct fixture fixture;
    struct snap_io *cow, *origin;
    struct snap_store store;
    struct snap_merge_job job;
    struct snap_merge_result result;
};

static struct faulty faulty_new(void)
{
    struct faulty faulty = {.fixture = store_new(4)};

    faulty.cow = io_fault_new(fixture_mem("cow", faulty.fixture.cow, faulty.fixture.cow_bytes, 512), NULL);
    faulty.origin = io_fault_new(fixture_mem("origin", faulty.fixture.origin, faulty.fixture.origin_bytes, 512), NULL);
    faulty.job = merge_job(&faulty.fixture);
    must(snap_header_open(&faulty.store, faulty.cow, NULL));
    return faulty;
}

static struct snap_fingerprint_result faulty_compare(const struct faulty *faulty)
{
    struct snap_fingerprint_result result;
    struct snap_store store;

    must(snap_header_open(&store, faulty->cow, NULL));
    must(snap_fingerprinting_compare(&store, faulty->origin, &result, NULL));
    assert_int_equal(result.differ, 0);
    return result;
}

static void faulty_free(struct faulty *faulty)
{
    must_close(faulty->cow);
    must_close(faulty->origin);
    fixture_free(&faulty->fixture);
}

/* Without the mask nothing is merged; the fingerprint that cannot be taken off stays, and is true. */
static void test_failures(void **state)
{
    static const struct {
        enum io_fault_kind kind;
        uint64_t at; /* the mask's write, its flush, the write that takes the fingerprint off, with two errors */
        int sys_errno;
        bool merged, fails;
    } cases[] = {
        {IO_FAULT_WRITE, 0, 0, false, true},     {IO_FAULT_FLUSH, 0, 0, false, true},
        {IO_FAULT_WRITE, 2, 0, true, false},     {IO_FAULT_WRITE, 2, ENODEV, true, true},
        {IO_FAULT_FLUSH, 2, 0, true, true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct faulty faulty = faulty_new();
        enum snap_status status;

        io_fault_add(faulty.cow, &(struct io_fault){.kind = cases[i].kind, .at = cases[i].at,
                                                    .sys_errno = cases[i].sys_errno});
        status = merge_once(&faulty.store, faulty.origin, &faulty.job, &(struct snap_merge_options){.memory_bytes = 0},
                            &faulty.result, NULL);
        assert_int_equal(status != SNAP_OK, cases[i].fails);
        assert_true(io_fault_hits(faulty.cow) > 0);
        assert_int_equal(faulty.result.entries_left, cases[i].merged ? 0 : 20);
        assert_int_equal(io_fault_count(faulty.origin, IO_FAULT_WRITE) > 0, cases[i].merged);
        (void)faulty_compare(&faulty);
        faulty_free(&faulty);
    }
}

/* An entry that cannot be merged stays, and so does the fingerprint; given up, its sample says nothing either. */
static void test_bad_entries(void **state)
{
    (void)state;
    for (int drop = 0; drop < 2; drop++) {
        struct faulty faulty = faulty_new();
        const uint64_t bad_bytes = faulty.fixture.entries[7].new_chunk * faulty.fixture.chunk_bytes;
        const struct snap_merge_options options = {
            .continue_on_error = true, .drop_bad = drop, .keep_fingerprint = drop};

        io_fault_add(faulty.cow, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true,
                                                    .offset_bytes = bad_bytes, .length_bytes = 512});
        must(merge_once(&faulty.store, faulty.origin, &faulty.job, &options, &faulty.result, NULL));
        assert_int_equal(faulty.result.bad_entries, 1);
        assert_int_equal(faulty.result.entries_left, drop ? 0 : 1);
        assert_int_equal(faulty_compare(&faulty).masked, 20);
        assert_int_equal(faulty_compare(&faulty).agree, BLOCKS - 20);
        faulty_free(&faulty);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_order),
        cmocka_unit_test(test_large_blocks),
        cmocka_unit_test(test_stopped),
        cmocka_unit_test(test_new_store),
        cmocka_unit_test(test_kept_cow),
        cmocka_unit_test(test_none),
        cmocka_unit_test(test_failures),
        cmocka_unit_test(test_bad_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

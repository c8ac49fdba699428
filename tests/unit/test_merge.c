/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The merge as a whole: its result against a naive model, its exact order, its figures. */
#include "lib/base/clock.h"
#include "lib/merge/merge.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/merge_fixture.h"
#include "tests/unit/unit.h"

#define SECOND_NS UINT64_C(1000000000)

/* Merges in memory and looks at every byte of both devices. */
static void check_merge(const struct fixture *fixture, uint32_t block_bytes, const struct snap_merge_options *options)
{
    struct snap_io *cow = fixture_mem("cow", fixture->cow, fixture->cow_bytes, block_bytes);
    struct snap_io *origin = fixture_mem("origin", fixture->origin, fixture->origin_bytes, block_bytes);
    const struct snap_merge_job job = merge_job(fixture);
    struct snap_merge_result result;
    struct snap_store store;

    must(snap_header_open(&store, cow, NULL));
    must(merge_once(&store, origin, &job, options, &result, NULL));
    assert_memory_equal(io_mem_bytes(origin), fixture->view, fixture->origin_bytes);
    assert_null(merge_state_fault(fixture, io_mem_bytes(cow), io_mem_bytes(origin)));
    assert_int_equal(merge_list_length(fixture, io_mem_bytes(cow)), 0);
    for (uint64_t area = 0; area <= fixture->count / (32 * fixture->chunk_sectors); area++) {
        const uint8_t *bytes = io_mem_bytes(cow) + format_area_offset(fixture->chunk_sectors, area);

        for (uint64_t i = 0; i < fixture->chunk_bytes; i++)
            assert_int_equal(bytes[i], 0); /* hygiene: the hidden areas, too */
    }
    assert_int_equal(result.entries_merged, fixture->count);
    assert_int_equal(result.entries_left, 0);
    assert_int_equal(result.written_bytes, job.total_bytes);
    assert_int_equal(result.read_bytes, job.total_bytes);
    must(snap_io_close(cow, NULL));
    must(snap_io_close(origin, NULL));
}

static void test_random_stores(void **state)
{
    static const uint64_t sizes[] = {1, 2, 8, 128}, windows[] = {0, 1, 7, 33, 100, 1000};
    static const size_t counts[] = {320, 200, 600, 9};

    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        for (size_t s = 0; s < 4; s++) {
            size_t count = counts[s] - (size_t)seed;
            struct fixture fixture = fixture_random_store(
                seed, sizes[s], count, sizes[s] * count * 2 - (seed % 2 ? (sizes[s] + 1) / 2 : 0), seed % 3 == 0);

            for (size_t w = 0; w < 6; w++) {
                for (int read_ahead = 0; read_ahead < 2; read_ahead++) {
                    const struct snap_merge_options options = {.window_entries_max = windows[w],
                                                               .read_ahead = read_ahead};

                    check_merge(&fixture, 512, &options);
                }
            }
            fixture_free(&fixture);
        }
    }
}

static void test_limits_of_an_area(void **state)
{
    static const size_t counts[] = {1, 31, 32, 33, 63, 64, 65, 96};

    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct fixture fixture = fixture_random_store(c + 1, 1, counts[c], 200, false);

        for (uint64_t window = 0; window <= 34; window++)
            check_merge(&fixture, 512, &(struct snap_merge_options){.window_entries_max = window});
        fixture_free(&fixture);
    }
}

static void test_blocks_of_4096(void **state)
{
    struct fixture fixture = fixture_random_store(5, 8, 700, 8 * 1000, true);

    (void)state;
    check_merge(&fixture, 4096, &(struct snap_merge_options){.window_entries_max = 100, .read_ahead = true});
    fixture_free(&fixture);
}

/* 8 MiB do not fit half of 16: each chunk goes in slices of 4. The origin ends inside of its last chunk. */
static void test_slices(void **state)
{
    struct fixture fixture = fixture_random_store(5, 16384, 3, 3 * 16384 + 8192 + 4095, true);

    (void)state;
    check_merge(&fixture, 512, &(struct snap_merge_options){.memory_bytes = 16 << 20, .read_ahead = true});
    check_merge(&fixture, 512, &(struct snap_merge_options){.memory_bytes = 16 << 20, .read_ahead = false});
    check_merge(&fixture, 512, &(struct snap_merge_options){.memory_bytes = 64 << 20, .read_ahead = true});
    fixture_free(&fixture);
}

static char *log_of_merge(struct merge_bench *bench, const struct snap_merge_options *options, bool reads)
{
    must(merge_once(&bench->store, bench->origin, &bench->job, options, &bench->result, NULL));
    return recorder_log_text(bench->recorder, reads);
}

/* 40 entries in two areas, windows of at most 25: what is done, and in which order. */
static void test_exact_order(void **state)
{
    static const char expected[] =
        "cow flush\n" /* what an earlier run may have left unflushed */
        /* [15, 40): entries from both areas, data around chunk 34, which is area 1 */
        "cow read 512 512\ncow read 17408 512\n"
        "cow read 8704 8704\ncow read 17920 4096\n"
        "origin write 7680 12288\norigin write 102400 512\n"
        "origin flush\n"
        "cow read 512 512\ncow write 512 512\ncow flush\n" /* the cut; it hides area 1, ... */
        "cow write 17408 512\n"                           /* ... which is zeroed */
        /* [0, 15) */
        "cow read 512 512\n"
        "cow read 1024 7680\n"
        "origin write 0 7680\n"
        "origin flush\n"
        "cow read 512 512\ncow write 512 512\ncow flush\n";
    struct fixture fixture = fixture_new(1, 40, 0, 300);
    struct merge_bench *bench;
    char *text;

    (void)state;
    for (size_t i = 0; i < 40; i++)
        fixture.entries[i] = (struct snap_entry){i < 39 ? i : 200, format_canonical(1, i)};
    fixture_seal(&fixture);
    bench = merge_bench_new(&fixture, 512);
    text = log_of_merge(bench, &(struct snap_merge_options){.window_entries_max = 25}, true);
    assert_string_equal(text, expected);
    assert_int_equal(bench->result.windows, 2);
    assert_int_equal(bench->result.window_entries, 25);
    assert_int_equal(bench->result.origin_flushes, 2);
    assert_int_equal(bench->result.cow_flushes, 3);
    assert_int_equal(bench->result.metadata_bytes, 3 * 512);
    assert_int_equal(bench->result.read_requests, 3);
    assert_int_equal(bench->result.write_requests, 3);
    free(text);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

static void expect_figures(const struct snap_merge_result *result, const struct snap_merge_result *expected)
{
    assert_int_equal(result->read_bytes, expected->read_bytes);
    assert_int_equal(result->read_requests, expected->read_requests);
    assert_int_equal(result->written_bytes, expected->written_bytes);
    assert_int_equal(result->write_requests, expected->write_requests);
    assert_int_equal(result->metadata_bytes, expected->metadata_bytes);
    assert_int_equal(result->origin_flushes, expected->origin_flushes);
    assert_int_equal(result->cow_flushes, expected->cow_flushes);
}

/*
 * An area that was found to hold nothing that is missed is zero, durably, before the first cut: its entries may be dead
 * only because of those that are cut off now.
 */
static void test_exact_order_with_leftovers(void **state)
{
    const struct snap_merge_options options = {.window_entries_max = 3};
    struct fixture fixture = fixture_new(1, 6, 100, 20);
    struct merge_bench *bench;
    struct snap_merge_result dry;
    char *text;

    (void)state;
    for (size_t i = 0; i < 6; i++)
        fixture.entries[i] = (struct snap_entry){i, format_canonical(1, i)};
    fixture_seal(&fixture);
    format_put_entry(fixture.cow, 1, 32, 9, fixture.entries[2].new_chunk); /* areas 1 and 2: of an earlier use */
    format_put_entry(fixture.cow, 1, 64, 9, fixture.entries[3].new_chunk);
    bench = merge_bench_new(&fixture, 512);
    bench->job.leftover_areas_end = 3;
    must(snap_merge_dry_run(&bench->store, bench->origin, &bench->job, &options, &dry, NULL));
    text = log_of_merge(bench, &options, false);
    assert_string_equal(text, "cow flush\norigin flush\n" /* in whose cache their data may be alone */
                              "cow write 34304 512\ncow write 17408 512\ncow flush\n"
                              "origin write 1536 1536\norigin flush\ncow write 512 512\ncow flush\n"
                              "origin write 0 1536\norigin flush\ncow write 512 512\ncow flush\n");
    expect_figures(&bench->result, &dry);
    free(text);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/*
 * All in one window: the first area cleared unit by unit from its end, the other areas zeroed, highest first, durably.
 */
static void test_exact_order_of_several_units(void **state)
{
    struct fixture fixture = fixture_random_store(3, 2, 150, 701, false); /* EPA 64: three areas, of two units */
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    char *text = log_of_merge(bench, &(struct snap_merge_options){.memory_bytes = 0}, false);
    const char *tail = strstr(text, "origin flush\n");

    (void)state;
    assert_non_null(tail);
    assert_null(strstr(tail + 1, "origin"));
    assert_string_equal(tail, "origin flush\n"
                              "cow write 1536 512\ncow flush\n"
                              "cow write 1024 512\ncow flush\n"
                              "cow write 134144 1024\ncow write 67584 1024\n"
                              "cow flush\n");
    assert_int_equal(bench->result.cow_flushes, 4);
    free(text);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/* Counts what the recorder saw, and tells data from areas by their place. */
static struct snap_merge_result seen(const struct merge_bench *bench)
{
    const uint64_t stride = 32 * bench->fixture->chunk_sectors + 1;
    struct snap_merge_result seen = {0};
    const struct record_operation *log;
    size_t operations;

    log = recorder_log(bench->recorder, &operations);
    for (size_t i = 0; i < operations; i++) {
        bool area = log[i].offset_bytes / bench->fixture->chunk_bytes % stride == 1;

        if (log[i].kind == RECORD_FLUSH) {
            *(log[i].disk == 0 ? &seen.cow_flushes : &seen.origin_flushes) += 1;
        } else if (log[i].kind == RECORD_WRITE && log[i].disk == 0) {
            assert_true(area);
            seen.metadata_bytes += log[i].length_bytes;
        } else if (log[i].kind == RECORD_WRITE) {
            seen.written_bytes += log[i].length_bytes;
            seen.write_requests++;
        } else if (!area) {
            assert_int_equal(log[i].disk, 0);
            seen.read_bytes += log[i].length_bytes;
            seen.read_requests++;
        }
    }
    return seen;
}

static void test_figures_are_what_was_done(void **state)
{
    static const uint64_t windows[] = {0, 5, 32, 100, 256, 300};

    (void)state;
    for (size_t w = 0; w < 6; w++) {
        struct fixture fixture = fixture_random_store(w + 1, w % 2 ? 1 : 8, 520, 8001, w % 3 == 0);
        struct merge_bench *bench = merge_bench_new(&fixture, 512);
        const struct snap_merge_options options = {.window_entries_max = windows[w]};
        struct snap_merge_result dry, figures;
        size_t operations;
        const struct record_operation *log;

        recorder_log_clear(bench->recorder);
        must(snap_merge_dry_run(&bench->store, bench->origin, &bench->job, &options, &dry, NULL));
        log = recorder_log(bench->recorder, &operations);
        for (size_t i = 0; i < operations; i++) { /* entries are read, nothing else is done */
            assert_int_equal(log[i].kind, RECORD_READ);
            assert_int_equal(log[i].offset_bytes / fixture.chunk_bytes % (32 * fixture.chunk_sectors + 1), 1);
        }
        recorder_log_clear(bench->recorder);
        free(log_of_merge(bench, &options, false));
        figures = seen(bench);
        expect_figures(&bench->result, &figures);
        assert_int_equal(figures.written_bytes, bench->job.total_bytes); /* each changed byte once */
        assert_int_equal(bench->result.origin_flushes, bench->result.windows);
        merge_bench_free(bench);
        fixture_free(&fixture);
    }
}

static void test_dry_run_says_what_a_run_does(void **state)
{
    static const uint64_t windows[] = {0, 5, 32, 100, 256, 300};

    (void)state;
    for (size_t w = 0; w < 6; w++) {
        struct fixture fixture = fixture_random_store(w + 1, w % 2 ? 1 : 8, 520, 8001, w % 3 == 0);
        struct merge_bench *bench = merge_bench_new(&fixture, 512);
        const struct snap_merge_options options = {.window_entries_max = windows[w]};
        struct snap_merge_result dry;

        must(snap_merge_dry_run(&bench->store, bench->origin, &bench->job, &options, &dry, NULL));
        free(log_of_merge(bench, &options, false));
        assert_int_equal(dry.windows, bench->result.windows);
        assert_int_equal(dry.window_entries, bench->result.window_entries);
        expect_figures(&dry, &bench->result);
        merge_bench_free(bench);
        fixture_free(&fixture);
    }
}

/* Two flushes a window where the cut takes one unit, and the data once: at most 1 % beside what changed. */
static void test_cheap(void **state)
{
    struct fixture fixture = fixture_random_store(2, 8, 3000, 8 * 5000, false);
    struct merge_bench *bench = merge_bench_new(&fixture, 512);

    (void)state;
    free(log_of_merge(bench, &(struct snap_merge_options){.window_entries_max = 1000}, false));
    /* 3000 -> 2016 (slot 224 of area 7, from 2000) -> 1016 -> 16 down to 0; the last two are no single cuts */
    assert_true(bench->result.windows >= 3 && bench->result.windows <= 4);
    assert_int_equal(bench->result.origin_flushes, bench->result.windows);
    /* the last cut, to 0, clears at most the 8 units of area 0; one flush comes first, one may make zeroes durable */
    assert_true(bench->result.cow_flushes <= bench->result.windows + 7 + 2);
    assert_true(bench->result.written_bytes + bench->result.metadata_bytes <=
                bench->job.total_bytes + bench->job.total_bytes / 100);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

static void test_empty_list(void **state)
{
    struct fixture fixture = fixture_random_store(2, 1, 100, 500, false);
    struct merge_bench *bench;
    char *text;

    (void)state;
    memset(fixture.cow + 512, 0, 512); /* area 0 is cleared; areas 1 to 3 were left by a run that ended here */
    bench = merge_bench_new(&fixture, 512);
    bench->job = (struct snap_merge_job){.entries = 0};
    text = log_of_merge(bench, &(struct snap_merge_options){.read_ahead = false}, true);
    assert_string_equal(text, "cow flush\n"); /* of an earlier run's last cut */
    assert_int_equal(bench->result.cow_flushes, 1);
    assert_int_equal(bench->result.origin_flushes + bench->result.windows + bench->result.metadata_bytes, 0);
    free(text);
    recorder_log_clear(bench->recorder);
    bench->job.leftover_areas_end = 4;
    text = log_of_merge(bench, &(struct snap_merge_options){.read_ahead = true}, true);
    assert_string_equal(text, "cow flush\norigin flush\n" /* in whose cache their data may be alone */
                              "cow write 51200 512\ncow write 34304 512\ncow write 17408 512\ncow flush\n");
    assert_int_equal(bench->result.metadata_bytes, 3 * 512);
    assert_int_equal(bench->result.cow_flushes, 2);
    free(text);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/* A clock that goes on by what is written: so many nanoseconds a byte. */
struct slow_disk {
    uint64_t now_ns, byte_ns;
    uint64_t seen_bytes, calls, entries_left;
    uint64_t total_bytes;
};

static uint64_t slow_now(void *context)
{
    return ((struct slow_disk *)context)->now_ns;
}

static void slow_sleep(void *context, uint64_t duration_ns)
{
    ((struct slow_disk *)context)->now_ns += duration_ns;
}

static void slow_progress(void *context, const struct snap_merge_progress *progress)
{
    struct slow_disk *disk = context;

    assert_true(progress->done_bytes > disk->seen_bytes);
    assert_true(progress->done_bytes <= progress->total_bytes);
    assert_true(progress->entries_left <= disk->entries_left);
    assert_int_equal(progress->total_bytes, disk->total_bytes);
    disk->now_ns += (progress->done_bytes - disk->seen_bytes) * disk->byte_ns;
    disk->seen_bytes = progress->done_bytes;
    disk->entries_left = progress->entries_left;
    disk->calls++;
}

static void test_interval(void **state)
{
    struct fixture fixture = fixture_random_store(2, 8, 3000, 8 * 5000, false);
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    struct slow_disk disk = {.now_ns = SECOND_NS, .byte_ns = 4000, .entries_left = 3000,
                             .total_bytes = bench->job.total_bytes}; /* 250 kB/s */
    const struct snap_clock clock = {slow_now, slow_sleep, &disk};
    const struct snap_merge_options options = {.interval_seconds = 10, .window_entries_max = 900, .clock = &clock,
                                               .progress = slow_progress, .progress_context = &disk};

    (void)state;
    free(log_of_merge(bench, &options, false));
    assert_int_equal(disk.seen_bytes, bench->job.total_bytes);
    /* 2.5 MB are 610 chunks; the first window, and without reading ahead only that one, was taken blind. */
    assert_true(bench->result.window_entries >= 700 && bench->result.window_entries <= 900);
    assert_true(bench->result.windows >= 5 && bench->result.windows <= 7);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

static void test_rate(void **state)
{
    struct fixture fixture = fixture_random_store(2, 8, 3000, 8 * 5000, false);
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    struct slow_disk disk = {.now_ns = SECOND_NS, .entries_left = 3000, .total_bytes = bench->job.total_bytes};
    const struct snap_clock clock = {slow_now, slow_sleep, &disk};
    const struct snap_merge_options options = {.rate_bytes = 10 * 4096, .clock = &clock, .progress = slow_progress,
                                               .progress_context = &disk};
    double seconds;

    (void)state;
    free(log_of_merge(bench, &options, false));
    assert_int_equal(bench->result.window_entries, 100); /* 10 s of work */
    seconds = (double)(disk.now_ns - SECOND_NS) / (double)SECOND_NS;
    /* Reads and writes at the rate each, here one after the other: 300 s each. */
    assert_true(seconds >= 298 && seconds <= 2 * 300 * 1.02);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/* 100 requests per second, and a window of a second: no more entries than that pays for. */
static void test_rate_of_requests(void **state)
{
    struct fixture fixture = fixture_random_store(2, 8, 3000, 8 * 5000, true);
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    struct slow_disk disk = {.now_ns = SECOND_NS, .entries_left = 3000, .total_bytes = bench->job.total_bytes};
    const struct snap_clock clock = {slow_now, slow_sleep, &disk};
    const struct snap_merge_options options = {.rate_requests = 100, .interval_seconds = 1, .clock = &clock,
                                               .progress = slow_progress, .progress_context = &disk};
    double seconds;

    (void)state;
    free(log_of_merge(bench, &options, false));
    assert_true(bench->result.window_entries <= 100);
    seconds = (double)(disk.now_ns - SECOND_NS) / (double)SECOND_NS;
    assert_true(seconds >= (double)bench->result.write_requests / 100 - 1);
    assert_true(seconds <= (double)(bench->result.read_requests + bench->result.write_requests) / 100 * 1.05 + 2);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/*
 * Loads smaller than an area: the list is cut where one atomic unit does it, not after each load, and the images are
 * those of a merge in one go.
 */
static void test_loads_wait_for_a_good_cut(void **state)
{
    struct fixture fixture = fixture_random_store(9, 8, 600, 8001, true); /* 256 entries in an area, 32 in a unit */
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    struct snap_merge_options options = {.load_entries_max = 100}; /* the recorder takes one thread only */
    struct snap_merge_result dry;

    (void)state;
    must(snap_merge_dry_run(&bench->store, bench->origin, &bench->job, &options, &dry, NULL));
    must(merge_once(&bench->store, bench->origin, &bench->job, &options, &bench->result, NULL));
    assert_int_equal(bench->result.windows, 3); /* cut at 500, at 224, and at 0 */
    assert_int_equal(bench->result.origin_flushes, 3);
    assert_int_equal(bench->result.cow_flushes, 1 + 1 + 1 + 7); /* before the first; 224 entries are 7 units */
    assert_int_equal(bench->result.window_entries, 500 - 224);
    assert_int_equal(dry.windows, bench->result.windows);
    assert_int_equal(dry.cow_flushes, bench->result.cow_flushes);
    assert_int_equal(dry.metadata_bytes, bench->result.metadata_bytes);
    merge_bench_free(bench);
    check_merge(&fixture, 512, &options);
    options.read_ahead = true;
    check_merge(&fixture, 512, &options);
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_stores),
        cmocka_unit_test(test_limits_of_an_area),
        cmocka_unit_test(test_blocks_of_4096),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_exact_order),
        cmocka_unit_test(test_exact_order_with_leftovers),
        cmocka_unit_test(test_exact_order_of_several_units),
        cmocka_unit_test(test_figures_are_what_was_done),
        cmocka_unit_test(test_loads_wait_for_a_good_cut),
        cmocka_unit_test(test_dry_run_says_what_a_run_does),
        cmocka_unit_test(test_cheap),
        cmocka_unit_test(test_empty_list),
        cmocka_unit_test(test_interval),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_rate_of_requests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

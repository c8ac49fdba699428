/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Another snapshot keeps its view while its origin is overwritten: what is copied, what is not, which requests. */
#include "lib/base/bytes.h"
#include "lib/base/clock.h"
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/sibling_fixture.h"
#include "tests/unit/unit.h"

static enum snap_status bench_plan(struct bench *bench, uint64_t entries)
{
    return snap_sibling_plan(bench->sibling, &bench->merged_store, entries, &bench->need, NULL);
}

/* Every pair of chunk sizes, an origin that is a multiple of none, loads of all sizes; counts to the byte. */
static void test_view_stays(void **state)
{
    static const uint64_t sizes[] = {1, 2, 8, 32};

    (void)state;
    for (size_t a = 0; a < 4; a++) {
        for (size_t b = 0; b < 4; b++) {
            const uint64_t origin_sectors = 4003, merged = sizes[a] == 32 ? 60 : 150;
            const uint64_t spare = sizes[a] / sizes[b] > 0 ? merged * (sizes[a] / sizes[b]) : 130;
            struct bench *bench = bench_new(sizes[a], merged, sizes[b], 40, spare, origin_sectors);
            const struct snap_sibling_counts *counts;
            uint64_t length, origin_bytes, need = bench_naive_need(bench, 0, merged, &origin_bytes);

            bench_open(bench);
            assert_int_equal(bench->need.needed_chunks, need);
            assert_int_equal(bench->need.free_chunks,
                             append_room(sizes[b], bench->other.cow_bytes / bench->other.chunk_bytes, 40,
                                         bench->other.entries[39].new_chunk));
            for (size_t end = merged, step = 1; end > 0; end -= step, step = step * 3 % 31 + 1) {
                step = step > end ? end : step;
                bench_load(bench, end - step, end);
                must(bench_copy(bench));
                must(snap_sibling_commit(bench->sibling, NULL));
                bench_overwrite(bench);
                bench_expect_view(bench);
            }
            length = bench_expect_view(bench);
            assert_int_equal(length, 40 + need);
            counts = snap_sibling_counts(bench->sibling);
            assert_int_equal(counts->copied_chunks, need);
            assert_int_equal(counts->read_bytes, origin_bytes);
            assert_int_equal(counts->written_bytes, need * bench->other.chunk_bytes);

            /* A second time all is there: another object that reads the list knows it, too. */
            snap_sibling_close(bench->sibling);
            bench_open(bench);
            assert_int_equal(bench->need.needed_chunks, 0);
            recorder_log_clear(bench->recorder);
            bench_load(bench, 0, merged);
            must(bench_copy(bench));
            must(snap_sibling_commit(bench->sibling, NULL));
            bench_expect_log(bench, true, "");
            bench_free(bench);
        }
    }
}

/* One 4 KiB entry at byte 8192 of the origin, a sibling with chunks of 1 KiB that has the second of the four. */
static struct bench *small_bench(void)
{
    struct fixture merged = fixture_new(8, 1, 0, 64), other = fixture_new(2, 1, 9, 64);

    merged.entries[0] = (struct snap_entry){2, 2};
    other.entries[0] = (struct snap_entry){9, 2};
    fixture_seal(&merged);
    fixture_seal(&other);
    return bench_over(merged, other, 512);
}

static void test_order(void **state)
{
    struct bench *bench = small_bench();
    const struct snap_sibling_counts *counts;

    (void)state;
    bench_open(bench);
    assert_int_equal(bench->need.needed_chunks, 3);
    recorder_log_clear(bench->recorder);
    bench_load(bench, 0, 1);
    must(bench_copy(bench));
    bench_expect_log(bench, true,
                     "cow2 flush\n"
                     "origin read 8192 1024\norigin read 10240 2048\n" /* neighbours in one */
                     "cow2 write 3072 3072\n");
    recorder_log_clear(bench->recorder);
    must(snap_sibling_commit(bench->sibling, NULL));
    bench_expect_log(bench, true, "cow2 read 1024 512\ncow2 flush\ncow2 write 1024 512\ncow2 flush\n");
    counts = snap_sibling_counts(bench->sibling);
    assert_int_equal(counts->copied_chunks, 3);
    assert_int_equal(counts->read_bytes, 3072);
    assert_int_equal(counts->written_bytes, 3072);
    assert_int_equal(counts->metadata_bytes, 512);
    assert_int_equal(counts->flushes, 3);
    assert_int_equal(bench_expect_view(bench), 4);
    bench_free(bench);
}

/* Not the whole load is copied, but what is about to be written: entries whose write was dropped need nothing. */
static void test_only_what_is_written(void **state)
{
    struct bench *bench = small_bench();

    (void)state;
    bench_open(bench);
    bench_load(bench, 0, 1);
    bench->plan.write_count = 0;
    recorder_log_clear(bench->recorder);
    must(bench_copy(bench));
    must(snap_sibling_commit(bench->sibling, NULL));
    bench_expect_log(bench, true, "");
    bench->plan.write_count = 1;
    bench->plan.writes[0].target_offset_bytes = 11 * 1024 + 512; /* half of chunk 11 */
    bench->plan.writes[0].length_bytes = 512;
    must(bench_copy(bench));
    must(snap_sibling_commit(bench->sibling, NULL));
    assert_int_equal(snap_sibling_counts(bench->sibling)->copied_chunks, 1);
    bench_overwrite(bench);
    assert_int_equal(bench_expect_view(bench), 2);
    bench_free(bench);
}

/* Of the last chunk what exists is read; the rest becomes zeros (dmsnap-store(5), ENTRIES AND AREAS). */
static void test_partial_last_chunk(void **state)
{
    (void)state;
    for (uint64_t sectors = 1; sectors < 8; sectors++) {
        struct fixture merged = fixture_new(1, 4, 0, 80 + sectors), other = fixture_new(8, 1, 5, 80 + sectors);
        struct bench *bench;
        uint8_t *cow;

        merged.entries[0] = (struct snap_entry){80 + sectors - 1, 2};
        merged.entries[1] = (struct snap_entry){40, 3};
        merged.entries[2] = (struct snap_entry){8, 4};
        merged.entries[3] = (struct snap_entry){16, 5};
        other.entries[0] = (struct snap_entry){9, 2};
        fixture_seal(&merged);
        fixture_seal(&other);
        memset(other.cow + 3 * 4096, 0xee, 4 * 4096);
        bench = bench_over(merged, other, 4096); /* blocks as large as chunks: nothing smaller may be written */
        bench->options.origin_bytes += 100;      /* of an image; they are not part of the snapshot */
        bench_open(bench);
        for (size_t end = 4; end > 0; end -= 2) { /* two whole chunks; then one, and the partial one */
            bench_load(bench, end - 2, end);
            must(bench_copy(bench));
            must(snap_sibling_commit(bench->sibling, NULL));
        }
        assert_int_equal(snap_sibling_counts(bench->sibling)->read_bytes, 3 * 4096 + sectors * 512);
        assert_int_equal(snap_sibling_counts(bench->sibling)->written_bytes, 4 * 4096);
        cow = fixture_recorded(bench->recorder, "cow2");
        assert_memory_equal(cow + 5 * 4096, bench->other.origin + 40 * 512, 4096);
        assert_memory_equal(cow + 6 * 4096, bench->other.origin + 80 * 512, sectors * 512);
        for (uint64_t i = sectors * 512; i < 4096; i++)
            assert_int_equal(cow[6 * 4096 + i], 0);
        free(cow);
        bench_overwrite(bench);
        bench_load(bench, 0, 4);
        bench_overwrite(bench);
        assert_int_equal(bench_expect_view(bench), 5);
        bench_free(bench);
    }
}

/* A store of an old kernel, whose last entry has not the highest data chunk: none that is in use is handed out. */
static void test_other_orders(void **state)
{
    struct fixture merged = fixture_new(8, 2, 0, 64), other = fixture_new(2, 3, 20, 64);
    struct bench *bench;

    (void)state;
    merged.entries[0] = (struct snap_entry){2, 2};
    merged.entries[1] = (struct snap_entry){5, 3};
    other.entries[0] = (struct snap_entry){1, 2};
    other.entries[1] = (struct snap_entry){2, 9};
    other.entries[2] = (struct snap_entry){3, 7};
    fixture_seal(&merged);
    fixture_seal(&other);
    bench = bench_over(merged, other, 512);
    bench_open(bench);
    assert_int_equal(bench->need.free_chunks, 15); /* 10 to 24 */
    bench_load(bench, 0, 2);
    must(bench_copy(bench));
    must(snap_sibling_commit(bench->sibling, NULL));
    bench_overwrite(bench);
    assert_int_equal(bench_expect_view(bench), 3 + 8);
    bench_free(bench);
}

/* Chunks of 4 MiB and a buffer of 1 MiB: four slices each; the origin ends within a slice, or before one. */
static void test_chunks_larger_than_the_buffer(void **state)
{
    (void)state;
    for (uint64_t rest = 1; rest < 8192; rest += 4095) {
        struct fixture merged = fixture_new(8, 3, 0, 2 * 8192 + rest);
        struct fixture other = fixture_new(8192, 0, 3, 2 * 8192 + rest);
        struct bench *bench;
        uint8_t *cow;

        merged.entries[0] = (struct snap_entry){1023, 2};
        merged.entries[1] = (struct snap_entry){5, 3};
        merged.entries[2] = (struct snap_entry){2048 + (rest - 1) / 8, 4};
        fixture_seal(&merged);
        fixture_seal(&other);
        memset(other.cow + 2 * other.chunk_bytes, 0xee, 3 * other.chunk_bytes);
        bench = bench_over(merged, other, 512);
        bench->options.memory_bytes = SNAP_SIBLING_MEMORY_MIN_BYTES;
        bench_open(bench);
        assert_int_equal(bench->need.needed_chunks, 2);
        bench_load(bench, 0, 3);
        must(bench_copy(bench));
        must(snap_sibling_commit(bench->sibling, NULL));
        assert_int_equal(snap_sibling_counts(bench->sibling)->copied_chunks, 2);
        assert_int_equal(snap_sibling_counts(bench->sibling)->read_bytes, (8192 + rest) * 512);
        bench_overwrite(bench);
        assert_int_equal(bench_expect_view(bench), 2);
        cow = fixture_recorded(bench->recorder, "cow2");
        for (uint64_t i = rest * 512; i < 8192 * 512; i += 8)
            assert_int_equal(snap_get_le64(cow + 3 * 8192 * 512 + i), 0);
        free(cow);
        bench_free(bench);
    }
}

/* Neighbours go in requests of 1 MiB, on both sides; the area between data chunks divides them. */
static void test_large_requests(void **state)
{
    struct fixture merged = fixture_new(8, 600, 0, 16384), other = fixture_new(8, 0, 600, 16384);
    struct bench *bench;

    (void)state;
    for (uint64_t i = 0; i < 600; i++)
        merged.entries[i] = (struct snap_entry){100 + i, 2 + i + i / 256};
    fixture_seal(&merged);
    fixture_seal(&other);
    bench = bench_over(merged, other, 512);
    bench->options.memory_bytes = 64 << 20;
    bench_open(bench);
    bench_load(bench, 0, 600);
    recorder_log_clear(bench->recorder);
    must(bench_copy(bench));
    bench_expect_log(bench, true,
                     "cow2 flush\n"
                     "origin read 409600 1048576\norigin read 1458176 1048576\norigin read 2506752 360448\n"
                     "cow2 write 8192 1048576\ncow2 write 1060864 1048576\ncow2 write 2113536 360448\n");
    must(snap_sibling_commit(bench->sibling, NULL));
    bench_overwrite(bench);
    assert_int_equal(bench_expect_view(bench), 600);
    bench_free(bench);
}

/* More chunks than wait at once: some are committed on the way, all of them before the origin is touched. */
static void test_more_than_can_wait(void **state)
{
    struct bench *bench;
    struct fixture merged = fixture_new(2048, 16, 0, 16 * 2048), other = fixture_new(1, 5, 35000, 16 * 2048);
    const struct record_operation *log;
    size_t operations;
    uint64_t flushes = 0;

    (void)state;
    for (uint64_t i = 0; i < 16; i++)
        merged.entries[i] = (struct snap_entry){15 - i, 2 + i};
    for (uint64_t i = 0; i < 5; i++)
        other.entries[i] = (struct snap_entry){3000 * i, 2 + i};
    fixture_seal(&merged);
    fixture_seal(&other);
    bench = bench_over(merged, other, 512);
    bench->options.memory_bytes = SNAP_SIBLING_MEMORY_MIN_BYTES;
    bench_open(bench);
    assert_int_equal(bench->need.needed_chunks, 32763);
    bench_load(bench, 0, 16);
    must(bench_copy(bench));
    must(snap_sibling_commit(bench->sibling, NULL));
    log = recorder_log(bench->recorder, &operations);
    for (size_t i = 0; i < operations; i++) {
        assert_false(log[i].disk == 1 && log[i].kind != RECORD_READ);
        flushes += log[i].kind == RECORD_FLUSH;
    }
    assert_int_equal(flushes, 7); /* one at first, then three for each half: data, later areas, the current one */
    assert_int_equal(snap_sibling_counts(bench->sibling)->flushes, 7);
    bench_overwrite(bench);
    assert_int_equal(bench_expect_view(bench), 32768);
    bench_free(bench);
}

/* The plan says that it does not fit; a copy that comes all the same writes nothing. */
static void test_full_store(void **state)
{
    (void)state;
    for (uint64_t spare = 1; spare <= 3; spare++) {
        struct fixture merged = fixture_new(8, 1, 0, 64), other = fixture_new(2, 1, spare, 64);
        struct bench *bench;

        merged.entries[0] = (struct snap_entry){2, 2};
        other.entries[0] = (struct snap_entry){9, 2};
        fixture_seal(&merged);
        fixture_seal(&other);
        bench = bench_over(merged, other, 512);
        bench_open(bench);
        assert_int_equal(bench->need.needed_chunks, 3);
        assert_int_equal(bench->need.free_chunks, spare);
        recorder_log_clear(bench->recorder);
        bench_load(bench, 0, 1);
        assert_int_equal(bench_copy(bench), spare < 3 ? SNAP_E_NOSPC : SNAP_OK);
        if (spare < 3) {
            bench_expect_log(bench, true, "");
            must(snap_sibling_commit(bench->sibling, NULL));
            bench_expect_log(bench, true, "");
        }
        bench_free(bench);
    }
}

/* A clock that only sleeping moves. */
static uint64_t slow_now(void *context)
{
    return *(uint64_t *)context;
}

static void slow_sleep(void *context, uint64_t duration_ns)
{
    *(uint64_t *)context += duration_ns;
}

/* Stopped at each of its polls: the list is what it was, and the same copy can be made later. */
static void test_stop(void **state)
{
    uint64_t stops = 0, now_ns = 1;
    const struct snap_clock clock = {slow_now, slow_sleep, &now_ns};

    (void)state;
    for (uint64_t at = 1, done = 0; !done; at++) {
        struct bench *bench = bench_new(1, 60, 2, 5, 60, 4003);
        enum snap_status status;

        bench->options.memory_bytes = SNAP_SIBLING_MEMORY_MIN_BYTES;
        bench_open(bench);
        bench_load(bench, 0, 60);
        snap_throttle_init(&bench->throttle, &clock, 10000, 0); /* groups of one request: many polls */
        bench->control.clock = &clock;
        bench->stop_at_poll = at;
        status = bench_copy(bench);
        done = status == SNAP_OK;
        if (!done) {
            assert_int_equal(status, SNAP_E_STOPPED);
            stops++;
            assert_int_equal(bench_expect_view(bench), 5);
            recorder_log_clear(bench->recorder);
            must(snap_sibling_commit(bench->sibling, NULL)); /* of nothing */
            bench_expect_log(bench, true, "");
            assert_int_equal(snap_sibling_counts(bench->sibling)->copied_chunks, 0);
            must(bench_copy(bench));
        }
        must(snap_sibling_commit(bench->sibling, NULL));
        bench_overwrite(bench);
        assert_int_equal(bench_expect_view(bench), 5 + bench->need.needed_chunks);
        bench_free(bench);
    }
    assert_true(stops > 20);
}

static bool stop_now(void *context)
{
    return --*(int *)context < 0;
}

/* Also while lists are read. */
static void test_stop_of_a_walk(void **state)
{
    struct bench *bench = small_bench();
    int polls = 0;

    (void)state;
    bench->options.stop = stop_now;
    bench->options.stop_context = &polls;
    assert_int_equal(snap_sibling_open(&bench->sibling, &bench->store, &bench->options, NULL), SNAP_E_STOPPED);
    assert_null(bench->sibling);
    polls = 1; /* the one span of its list */
    must(snap_sibling_open(&bench->sibling, &bench->store, &bench->options, NULL));
    assert_int_equal(bench_plan(bench, 1), SNAP_E_STOPPED);
    bench_free(bench);
}

/* The rate of the control holds. */
static void test_rate(void **state)
{
    struct bench *bench = bench_new(8, 50, 8, 5, 60, 8000);
    uint64_t now_ns = 1;
    const struct snap_clock clock = {slow_now, slow_sleep, &now_ns};
    struct snap_throttle reads, writes;
    struct snap_copy_control read_control, write_control;

    (void)state;
    bench_open(bench);
    bench_load(bench, 0, 50);
    snap_throttle_init(&reads, &clock, 100000, 0);
    snap_throttle_init(&writes, &clock, 1000000000, 0);
    read_control = (struct snap_copy_control){.clock = &clock, .throttle = &reads};
    write_control = (struct snap_copy_control){.clock = &clock, .throttle = &writes};
    must(snap_sibling_copy(bench->sibling, bench->origin_io, &bench->plan, &read_control, &write_control, NULL));
    assert_true(now_ns > (bench->need.needed_chunks - 3) * 4096 * 10000); /* ns per byte */
    bench_free(bench);
}

/* Bytes as the kernel leaves them; a flush; and then nothing happens any more. */
static void test_invalidate(void **state)
{
    struct bench *bench = small_bench();
    struct snap_identity identity = {.origin_sectors = 64, .label = "home"};
    uint8_t expected[1024] = {0x53, 0x6e, 0x41, 0x70, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0};
    uint8_t sector[512], *cow;
    struct snap_store store;

    (void)state;
    must(snap_io_read(bench->other_io, 0, 512, sector, NULL));
    snap_codec_encode_record(&identity, sector);
    must(snap_io_write(bench->other_io, 0, 512, sector, NULL));
    must(snap_io_write(bench->other_io, 512, 512, sector, NULL)); /* whatever is in the rest of chunk 0 */
    bench_open(bench);
    bench_load(bench, 0, 1);
    must(bench_copy(bench));
    recorder_log_clear(bench->recorder);
    must(snap_sibling_invalidate(bench->sibling, NULL));
    bench_expect_log(bench, true, "cow2 write 0 1024\ncow2 flush\n");
    recorder_log_clear(bench->recorder);
    must(snap_sibling_commit(bench->sibling, NULL));
    must(bench_copy(bench));
    must(snap_sibling_commit(bench->sibling, NULL));
    must(snap_sibling_invalidate(bench->sibling, NULL));
    must(bench_plan(bench, 1));
    assert_int_equal(bench->need.needed_chunks, 0);
    bench_expect_log(bench, true, "");
    cow = fixture_recorded(bench->recorder, "cow2");
    assert_memory_equal(cow, expected, sizeof expected);
    assert_memory_equal(cow + 1024, bench->other.cow + 1024, 2048); /* area 0 and the data are untouched */
    assert_int_equal(snap_header_open(&store, bench->other_io, NULL), SNAP_E_INVALID);
    assert_int_equal(snap_sibling_counts(bench->sibling)->metadata_bytes, 1024);
    free(cow);
    bench_free(bench);
}

static void test_invalidate_large_chunks(void **state)
{
    struct fixture merged = fixture_new(8, 1, 0, 64), other = fixture_new(8192, 0, 1, 64);
    struct bench *bench;
    uint8_t *cow;

    (void)state;
    merged.entries[0] = (struct snap_entry){2, 2};
    fixture_seal(&merged);
    fixture_seal(&other);
    memset(other.cow + 16, 0xee, 8192 * 512 - 16);
    bench = bench_over(merged, other, 512);
    must(snap_sibling_open(&bench->sibling, &bench->store, &bench->options, NULL));
    must(snap_sibling_invalidate(bench->sibling, NULL));
    cow = fixture_recorded(bench->recorder, "cow2");
    assert_int_equal(snap_get_le32(cow), 0x70416e53);
    assert_int_equal(snap_get_le32(cow + 4), 0);
    for (uint64_t i = 16; i < 8192 * 512; i += 8)
        assert_int_equal(snap_get_le64(cow + i), 0);
    free(cow);
    bench_free(bench);
}

/* What would be a mistake of the caller, or a device that changed, is noticed before anything is written. */
static void test_refusals(void **state)
{
    struct bench *bench = bench_new(8, 6, 2, 30, 60, 2003);
    struct snap_sibling *none;
    struct snap_plan_write swap;
    uint8_t sector[512];

    (void)state;
    bench_open(bench);
    assert_int_equal(bench_plan(bench, 7), SNAP_E_CORRUPT);
    bench_load(bench, 0, 6);
    recorder_log_clear(bench->recorder);
    swap = bench->plan.writes[0];
    assert_true(bench->plan.write_count > 1);
    bench->plan.writes[0] = bench->plan.writes[1];
    bench->plan.writes[1] = swap;
    assert_int_equal(bench_copy(bench), SNAP_E_INTERNAL);
    bench_load(bench, 0, 6);
    bench->plan.writes[bench->plan.write_count - 1].length_bytes += 8192; /* beyond the end */
    assert_int_equal(bench_copy(bench), SNAP_E_INTERNAL);
    bench_expect_log(bench, true, "");
    bench_load(bench, 0, 6);
    must(bench_copy(bench));
    assert_int_equal(bench_copy(bench), SNAP_E_INTERNAL); /* what is copied waits for its commit */
    must(snap_sibling_commit(bench->sibling, NULL));
    assert_int_equal(snap_sibling_counts(bench->sibling)->copied_chunks, bench_expect_view(bench) - 30);
    assert_int_equal(bench_plan(bench, 6), SNAP_E_INTERNAL);
    must(snap_io_read(bench->other_io, 1536, 512, sector, NULL));
    sector[511] = 1; /* the last slot of its area */
    must(snap_io_write(bench->other_io, 1536, 512, sector, NULL));
    assert_int_equal(snap_sibling_open(&none, &bench->store, &bench->options, NULL), SNAP_E_CORRUPT);
    assert_null(none);
    bench_free(bench);
}

/* Blocks of 4 KiB, chunks of 1 KiB: none can be written without its neighbours. */
static void test_large_blocks(void **state)
{
    struct fixture merged = fixture_new(8, 1, 0, 64), other = fixture_new(2, 1, 9, 64);
    struct bench *bench;

    (void)state;
    merged.entries[0] = (struct snap_entry){2, 2};
    other.entries[0] = (struct snap_entry){9, 2};
    fixture_seal(&merged);
    fixture_seal(&other);
    bench = bench_over(merged, other, 4096);
    assert_int_equal(snap_sibling_open(&bench->sibling, &bench->store, &bench->options, NULL), SNAP_E_REFUSED);
    bench_free(bench);
}

static void test_merged_entry_beyond_the_origin(void **state)
{
    struct bench *bench = small_bench();

    (void)state;
    bench->options.origin_bytes = 2 * 4096; /* the entry for chunk 2 begins there */
    must(snap_sibling_open(&bench->sibling, &bench->store, &bench->options, NULL));
    assert_int_equal(bench_plan(bench, 1), SNAP_E_CORRUPT);
    snap_sibling_close(bench->sibling);
    bench->options.origin_bytes = 2 * 4096 + 1535; /* two sectors are */
    bench_open(bench);
    assert_int_equal(bench->need.needed_chunks, 1);
    bench_free(bench);
}

/* A list so scattered that each chunk has a slot of its own in the sets. */
static struct fixture scattered(size_t count, uint64_t spare)
{
    struct fixture fixture = fixture_new(1, count, spare, 8);

    format_put_header(fixture.cow, FORMAT_MAGIC, 1, 1, 1);
    for (uint64_t i = 0; i < count; i++)
        format_put_entry(fixture.cow, 1, i, i * 4096 + 5, format_canonical(1, i));
    return fixture;
}

/* Where the sets do not fit the memory, that comes to light before anything is written; no more is ever taken. */
static void test_memory(void **state)
{
    static const size_t counts[][2] = {{100, 100}, {100000, 100}, {100, 100000}, {30000, 30000}};
    struct snap_error err;

    (void)state;
    for (size_t i = 0; i < 4; i++) {
        struct fixture merged = scattered(counts[i][0], 0), other = scattered(counts[i][1], 10);
        struct bench *bench;
        enum snap_status opened, planned = SNAP_OK;
        uint64_t before_bytes;

        for (uint64_t k = 0; k < counts[i][0]; k++) /* not the chunks of the other */
            format_put_entry(merged.cow, 1, k, (k + 200000) * 4096 + 5, format_canonical(1, k));
        bench = bench_over(merged, other, 512);
        bench->options.memory_bytes = SNAP_SIBLING_MEMORY_MIN_BYTES;
        bench->options.origin_bytes = UINT64_C(1) << 40;
        alloc_mark();
        before_bytes = alloc.live_bytes;
        opened = snap_sibling_open(&bench->sibling, &bench->store, &bench->options, &err);
        assert_true(alloc.peak_bytes - before_bytes < SNAP_SIBLING_MEMORY_MIN_BYTES + (9 << 20)); /* and a walk */
        if (opened == SNAP_OK) {
            assert_true(alloc.live_bytes - before_bytes < SNAP_SIBLING_MEMORY_MIN_BYTES);
            planned = snap_sibling_plan(bench->sibling, &bench->merged_store, counts[i][0], &bench->need, &err);
            assert_true(alloc.live_bytes - before_bytes < SNAP_SIBLING_MEMORY_MIN_BYTES);
        }
        assert_int_equal(opened, i == 2 ? SNAP_E_NOMEM : SNAP_OK);
        assert_int_equal(planned, i == 1 || i == 3 ? SNAP_E_NOMEM : SNAP_OK);
        if (i > 0)
            assert_non_null(strstr(err.text, "of memory are too little"));
        else
            assert_int_equal(bench->need.needed_chunks, counts[i][0]);
        bench_free(bench);
    }
}

/* A device that allocates nothing itself. */
struct plain {
    struct snap_io io;
    uint8_t *bytes;
};

static enum snap_status plain_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                       struct snap_error *err)
{
    (void)err;
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = ((struct plain *)io)->bytes + requests[i].offset_bytes;

        if (requests[i].kind == SNAP_IO_READ)
            test_read_into(&requests[i], at);
        else
            test_write_from(&requests[i], at);
    }
    return SNAP_OK;
}

static enum snap_status plain_flush(struct snap_io *io, struct snap_error *err)
{
    (void)io;
    (void)err;
    return SNAP_OK;
}

static struct plain plain_over(struct snap_io *io, uint8_t *bytes)
{
    static const struct snap_io_ops ops = {.transfer = plain_transfer, .flush = plain_flush};
    struct plain plain = {*io, bytes};

    plain.io.ops = &ops;
    return plain;
}

/* Each allocation fails once: always a status, and nothing is kept. Copies allocate nothing any more. */
static void test_allocations_fail(void **state)
{
    uint64_t failures = 0;

    (void)state;
    for (uint64_t n = 1, done = 0; !done; n++) {
        struct bench *bench = small_bench();
        uint8_t *cow = fixture_alloc(1, bench->other.cow_bytes);
        struct plain merged = plain_over(bench->merged_io, bench->merged.cow);
        struct plain other = plain_over(bench->other_io, memcpy(cow, bench->other.cow, bench->other.cow_bytes));
        struct plain origin = plain_over(bench->origin_io, bench->other.origin);
        uint64_t live_bytes = alloc.live_bytes, length = 0;
        enum snap_status status;

        bench->merged_store.io = &merged.io;
        bench->store.io = &other.io;
        bench_load(bench, 0, 1);
        alloc_fail_at(n, false);
        status = snap_sibling_open(&bench->sibling, &bench->store, &bench->options, NULL);
        if (status == SNAP_OK)
            status = snap_sibling_plan(bench->sibling, &bench->merged_store, 1, &bench->need, NULL);
        done = alloc.calls < n;
        failures += !done;
        alloc_fail_at(1, true);
        if (done)
            status = snap_sibling_copy(bench->sibling, &origin.io, &bench->plan, &bench->control, &bench->control,
                                       NULL);
        if (done && status == SNAP_OK)
            status = snap_sibling_commit(bench->sibling, NULL);
        alloc_fail_at(0, false);
        assert_int_equal(status, done ? SNAP_OK : SNAP_E_NOMEM);
        if (done)
            assert_null(sibling_fault(&bench->other, cow, bench->other.origin, &length));
        assert_int_equal(length, done ? 4 : 0);
        snap_sibling_close(bench->sibling);
        bench->sibling = NULL;
        assert_int_equal(alloc.live_bytes, live_bytes);
        free(cow);
        bench_free(bench);
    }
    assert_true(failures > 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_view_stays),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_only_what_is_written),
        cmocka_unit_test(test_partial_last_chunk),
        cmocka_unit_test(test_other_orders),
        cmocka_unit_test(test_chunks_larger_than_the_buffer),
        cmocka_unit_test(test_large_requests),
        cmocka_unit_test(test_more_than_can_wait),
        cmocka_unit_test(test_full_store),
        cmocka_unit_test(test_stop),
        cmocka_unit_test(test_stop_of_a_walk),
        cmocka_unit_test(test_rate),
        cmocka_unit_test(test_invalidate),
        cmocka_unit_test(test_invalidate_large_chunks),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_large_blocks),
        cmocka_unit_test(test_merged_entry_beyond_the_origin),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_allocations_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One load against the origin: what is equal is left out of the writes, and what was written wrong is found. */
#include "lib/merge/compare_load.h"

#include "tests/support/io_fault.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define COUNT 60u
#define CHUNK_BYTES 1024u

/* A load of a random store; the origin ends inside of a chunk that is in it. */
struct bench {
    struct fixture fixture;
    struct snap_io *cow, *origin_mem, *origin;
    struct snap_store store;
    struct snap_throttle throttle;
    struct snap_copy_control control;
    struct snap_window window;
    uint8_t *found;
    bool stopped;
};

static bool stop_asked(void *context)
{
    return ((struct bench *)context)->stopped;
}

static struct bench *bench_new(void)
{
    const struct snap_window_size size = {COUNT, CHUNK_BYTES};
    const struct snap_window_range range = {.end = COUNT, .slice_bytes = CHUNK_BYTES, .last_load = true};
    struct bench *bench = fixture_alloc(1, sizeof *bench);

    bench->fixture = fixture_random_store(7, 2, COUNT, 2 * 100 - 1, true);
    bench->cow = fixture_mem("cow", bench->fixture.cow, bench->fixture.cow_bytes, 512);
    bench->origin_mem = fixture_mem("disk8", bench->fixture.origin, bench->fixture.origin_bytes, 512);
    bench->origin = io_fault_new(bench->origin_mem, NULL);
    must(snap_header_open(&bench->store, bench->cow, NULL));
    snap_throttle_init(&bench->throttle, &snap_clock_system, 0, 0);
    bench->control = (struct snap_copy_control){
        .clock = &snap_clock_system, .throttle = &bench->throttle, .stop = stop_asked, .stop_context = bench};
    must(snap_window_init(&bench->window, &bench->store, &size, bench->fixture.origin_bytes / 512, &bench->control,
                          true, NULL));
    snap_window_load(&bench->window, &range, NULL);
    must(snap_window_wait(&bench->window, NULL));
    bench->found = fixture_alloc(COUNT, CHUNK_BYTES);
    return bench;
}

static void bench_free(struct bench *bench)
{
    snap_window_free(&bench->window);
    must(snap_io_close(bench->cow, NULL));
    must(snap_io_close(bench->origin, NULL));
    free(bench->found);
    fixture_free(&bench->fixture);
    free(bench);
}

static enum snap_status drop_equal(struct bench *bench, bool *compared, struct snap_error *err)
{
    return snap_compare_load_drop_equal(&bench->window, bench->origin, bench->found, &bench->control, compared, err);
}

static enum snap_status verify(struct bench *bench, uint64_t *verified_bytes, struct snap_error *err)
{
    return snap_compare_load_verify(&bench->window, bench->origin, bench->found, &bench->control, verified_bytes, err);
}

/* The last byte of this entry's chunk that is on the origin. */
static uint64_t last_byte(const struct bench *bench, size_t entry)
{
    const uint64_t end = (bench->fixture.entries[entry].old_chunk + 1) * CHUNK_BYTES;

    return (end < bench->fixture.origin_bytes ? end : bench->fixture.origin_bytes) - 1;
}

static void test_all_differ(void **state)
{
    struct bench *bench = bench_new();
    const uint64_t write_bytes = bench->window.plan.write_bytes;
    bool compared = false;

    (void)state;
    must(drop_equal(bench, &compared, NULL));
    assert_true(compared);
    assert_int_equal(bench->window.plan.equal_bytes, 0);
    assert_int_equal(bench->window.plan.write_bytes, write_bytes);
    bench_free(bench);
}

/* All but one chunk are there already, and of that one all but the last byte. */
static void test_one_differs(void **state)
{
    (void)state;
    for (size_t entry = 0; entry < COUNT; entry += 7) {
        struct bench *bench = bench_new();
        const uint64_t write_bytes = bench->window.plan.write_bytes;
        const uint64_t start = bench->fixture.entries[entry].old_chunk * CHUNK_BYTES, last = last_byte(bench, entry);
        bool compared = false;

        memcpy(io_mem_bytes(bench->origin_mem), bench->fixture.view, bench->fixture.origin_bytes);
        io_mem_bytes(bench->origin_mem)[last] ^= 1;
        must(drop_equal(bench, &compared, NULL));
        assert_true(compared);
        assert_int_equal(bench->window.plan.write_count, 1);
        assert_int_equal(bench->window.plan.writes[0].target_offset_bytes, start);
        assert_int_equal(bench->window.plan.write_bytes, last + 1 - start);
        assert_int_equal(bench->window.plan.equal_bytes, write_bytes - (last + 1 - start));
        assert_int_equal(io_fault_count(bench->origin, IO_FAULT_WRITE), 0);
        bench_free(bench);
    }
}

/* What cannot be compared is written, all of it; a stop is not taken for that. */
static void test_origin_cannot_be_read(void **state)
{
    struct bench *bench = bench_new();
    const size_t write_count = bench->window.plan.write_count;
    struct snap_error err = {0};
    bool compared = true;

    (void)state;
    memcpy(io_mem_bytes(bench->origin_mem), bench->fixture.view, bench->fixture.origin_bytes);
    io_fault_add(bench->origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true});
    must(drop_equal(bench, &compared, &err));
    assert_false(compared);
    assert_int_equal(bench->window.plan.write_count, write_count);
    assert_string_equal(err.text, ""); /* a success leaves the error as it was */
    io_fault_clear(bench->origin);
    bench->stopped = true;
    assert_int_equal(drop_equal(bench, &compared, &err), SNAP_E_STOPPED);
    assert_int_equal(err.status, SNAP_E_STOPPED);
    assert_false(compared);
    bench_free(bench);
}

static void test_verify(void **state)
{
    struct bench *bench = bench_new();
    uint64_t verified_bytes = 5;

    (void)state;
    memcpy(io_mem_bytes(bench->origin_mem), bench->fixture.view, bench->fixture.origin_bytes);
    must(verify(bench, &verified_bytes, NULL));
    assert_int_equal(verified_bytes, 5 + bench->window.plan.write_bytes);
    bench_free(bench);
}

/* The text names the byte; what lies in front of it counts as verified, but not the write that it is in. */
static void test_verify_finds_a_wrong_byte(void **state)
{
    (void)state;
    for (size_t entry = 0; entry < COUNT; entry += 5) {
        struct bench *bench = bench_new();
        const uint64_t last = last_byte(bench, entry);
        uint64_t verified_bytes = 0, right_bytes = 0;
        struct snap_error err = {0};
        char place[64];

        memcpy(io_mem_bytes(bench->origin_mem), bench->fixture.view, bench->fixture.origin_bytes);
        io_mem_bytes(bench->origin_mem)[last] ^= 0x80;
        for (size_t w = 0; w < bench->window.plan.write_count; w++) {
            const struct snap_plan_write *write = &bench->window.plan.writes[w];

            if (write->target_offset_bytes + write->length_bytes <= last)
                right_bytes += write->length_bytes;
        }
        assert_int_equal(verify(bench, &verified_bytes, &err), SNAP_E_IO);
        (void)snprintf(place, sizeof place, "disk8: byte %llu does not read back", (unsigned long long)last);
        assert_non_null(strstr(err.text, place));
        assert_int_equal(verified_bytes, right_bytes);
        bench_free(bench);
    }
}

static void test_what_cannot_be_read_back_is_not_verified(void **state)
{
    struct bench *bench = bench_new();
    uint64_t verified_bytes = 0;

    (void)state;
    memcpy(io_mem_bytes(bench->origin_mem), bench->fixture.view, bench->fixture.origin_bytes);
    must(verify(bench, &verified_bytes, NULL)); /* now the buffer has what a second read should bring */
    verified_bytes = 0;
    io_fault_add(bench->origin, &(struct io_fault){.kind = IO_FAULT_READ, .from_then_on = true});
    assert_int_equal(verify(bench, &verified_bytes, NULL), SNAP_E_IO);
    assert_int_equal(verified_bytes, 0);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_differ),
        cmocka_unit_test(test_one_differs),
        cmocka_unit_test(test_origin_cannot_be_read),
        cmocka_unit_test(test_verify),
        cmocka_unit_test(test_verify_finds_a_wrong_byte),
        cmocka_unit_test(test_what_cannot_be_read_back_is_not_verified),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a list: cuts, the areas behind it, and what is dropped; the order of the writes and flushes of each. */
#include "lib/merge/list_end_private.h"

#include "tests/support/io_fault.h"
#include "tests/support/io_record.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/unit.h"

#define COUNT 100u /* entries in the areas 0 to 3, of 32 each; an area is one atomic unit */
#define LEFTOVER_AREAS_END 6u

struct bench {
    struct fixture fixture;
    struct recorder *recorder;
    struct snap_io *cow;
    struct snap_store store;
    struct snap_list_end end;
    uint64_t before_calls;
    enum snap_status before_status;
};

static enum snap_status before(void *context, struct snap_error *err)
{
    struct bench *bench = context;

    bench->before_calls++;
    return bench->before_status == SNAP_OK ? SNAP_OK : snap_fail(err, bench->before_status, "no record");
}

static struct bench *bench_new(uint64_t leftover_areas_end)
{
    struct fixture random = fixture_random_store(3, 1, COUNT, 400, false);
    struct bench *bench = fixture_alloc(1, sizeof *bench);

    bench->fixture = fixture_new(1, COUNT, 100, 400);
    memcpy(bench->fixture.entries, random.entries, COUNT * sizeof *random.entries);
    fixture_seal(&bench->fixture);
    fixture_free(&random);
    bench->recorder = recorder_new();
    bench->cow = io_fault_new(io_record_new(bench->recorder, "cow", bench->fixture.cow, bench->fixture.cow_bytes, 512,
                                            true), NULL);
    must(snap_header_open(&bench->store, bench->cow, NULL));
    snap_list_end_init(&bench->end, &bench->store, COUNT, leftover_areas_end);
    recorder_log_clear(bench->recorder);
    return bench;
}

static void bench_free(struct bench *bench)
{
    must(snap_io_close(bench->cow, NULL));
    recorder_free(bench->recorder);
    fixture_free(&bench->fixture);
    free(bench);
}

/* What was written and flushed since the last call. */
static void expect_log(struct bench *bench, const char *expected)
{
    char *text = recorder_log_text(bench->recorder, false);

    assert_string_equal(text, expected);
    free(text);
    recorder_log_clear(bench->recorder);
}

/* Areas are chunks 1, 34, 67, 100, 133 and 166. */
static void test_a_merge(void **state)
{
    struct bench *bench = bench_new(LEFTOVER_AREAS_END);

    (void)state;
    must(snap_list_end_flush_list(&bench->end, NULL));
    expect_log(bench, "cow flush\n");
    must(snap_list_end_cut(&bench->end, COUNT, NULL)); /* it is no longer than that */
    expect_log(bench, "");
    must(snap_list_end_cut(&bench->end, 63, NULL));
    expect_log(bench, "cow write 17408 512\ncow flush\n");
    must(snap_list_end_zero_leftovers(&bench->end, NULL));
    expect_log(bench, "cow write 84992 512\ncow write 68096 512\ncow write 51200 512\ncow write 34304 512\n");
    must(snap_list_end_zero_leftovers(&bench->end, NULL));
    expect_log(bench, "");
    must(snap_list_end_cut(&bench->end, 0, NULL)); /* its flush makes the zeros durable as well */
    expect_log(bench, "cow write 512 512\ncow flush\n");
    must(snap_list_end_finish(&bench->end, NULL));
    expect_log(bench, "cow write 17408 512\ncow flush\n");
    must(snap_list_end_finish(&bench->end, NULL));
    expect_log(bench, "");
    assert_int_equal(bench->end.length, 0);
    assert_int_equal(bench->end.counts.written_bytes, 7 * 512);
    assert_int_equal(bench->end.counts.flushes, 4);
    bench_free(bench);
}

/* Nothing was merged, and an earlier run has left areas behind the list: 3 has its end. */
static void test_leftovers_alone(void **state)
{
    struct bench *bench = bench_new(LEFTOVER_AREAS_END);

    (void)state;
    must(snap_list_end_finish(&bench->end, NULL));
    expect_log(bench, "cow write 84992 512\ncow write 68096 512\ncow flush\n");
    bench_free(bench);
    bench = bench_new(0);
    must(snap_list_end_finish(&bench->end, NULL));
    expect_log(bench, "");
    bench_free(bench);
}

/* Area by area from the end, with zeros behind, durably; the callback comes before the first of them. */
static void test_drop(void **state)
{
    struct bench *bench = bench_new(LEFTOVER_AREAS_END);

    (void)state;
    bench->before_status = SNAP_E_NOSPC;
    assert_int_equal(snap_list_end_drop(&bench->end, before, bench, NULL), SNAP_E_NOSPC);
    expect_log(bench, "cow write 84992 512\ncow write 68096 512\ncow flush\n");
    assert_int_equal(bench->end.length, COUNT);
    bench->before_status = SNAP_OK;
    must(snap_list_end_drop(&bench->end, before, bench, NULL));
    expect_log(bench, "cow write 51200 512\ncow flush\ncow write 34304 512\ncow flush\n"
                      "cow write 17408 512\ncow flush\ncow write 512 512\ncow flush\n");
    assert_int_equal(bench->before_calls, 2);
    assert_int_equal(bench->end.length, 0);
    must(snap_list_end_drop(&bench->end, NULL, NULL, NULL)); /* only what it has left behind the list itself */
    expect_log(bench, "cow write 51200 512\ncow write 34304 512\ncow write 17408 512\ncow flush\n");
    bench_free(bench);
}

/* A merge goes on past such an area; nothing is dropped in front of it. */
static void test_area_that_cannot_be_written(void **state)
{
    struct bench *bench = bench_new(LEFTOVER_AREAS_END);
    struct snap_error err = {0};

    (void)state;
    io_fault_add(bench->cow, &(struct io_fault){.kind = IO_FAULT_WRITE, .from_then_on = true, .length_bytes = 512,
                                                .offset_bytes = 68096});
    must(snap_list_end_zero_leftovers(&bench->end, &err));
    assert_string_equal(err.text, "");
    assert_int_equal(bench->end.unzeroed_areas_end, LEFTOVER_AREAS_END);
    expect_log(bench, "cow write 84992 512\n");
    must(snap_list_end_zero_leftovers(&bench->end, &err)); /* not tried again */
    expect_log(bench, "");
    assert_int_equal(snap_list_end_drop(&bench->end, before, bench, &err), SNAP_E_IO);
    assert_int_equal(bench->before_calls, 0);
    assert_int_equal(bench->end.length, COUNT);
    bench_free(bench);
}

static void test_cut_fails(void **state)
{
    struct bench *bench = bench_new(0);

    (void)state;
    io_fault_add(bench->cow, &(struct io_fault){.kind = IO_FAULT_FLUSH});
    assert_int_equal(snap_list_end_cut(&bench->end, 63, NULL), SNAP_E_IO);
    assert_int_equal(bench->end.length, COUNT);
    assert_int_equal(bench->end.counts.flushes, 1);
    bench_free(bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_merge),
        cmocka_unit_test(test_leftovers_alone),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_area_that_cannot_be_written),
        cmocka_unit_test(test_cut_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

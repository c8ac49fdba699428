/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Merges whose windows are larger than the buffer, sorted as a whole: the order of writes, and the cuts. */
#include "lib/base/arith.h"
#include "lib/merge/window.h"
#include "tests/support/io_record.h"
#include "tests/unit/merge_fixture.h"
#include "tests/unit/unit.h"

static void expect_merged(const struct merge_bench *bench)
{
    const struct fixture *fixture = bench->fixture;
    uint8_t *cow = fixture_recorded(bench->recorder, "cow"), *origin = fixture_recorded(bench->recorder, "origin");

    assert_memory_equal(origin, fixture->view, fixture->origin_bytes);
    assert_null(merge_state_fault(fixture, cow, origin));
    assert_int_equal(merge_list_length(fixture, cow), 0);
    free(cow);
    free(origin);
}

/* Between two flushes of the origin its writes ascend, however many loads they came from; and no load is too large. */
static uint64_t sweeps(const struct merge_bench *bench)
{
    uint64_t sweeps = 0, last_bytes = 0;
    bool open = false;
    const struct record_operation *log;
    size_t count;

    log = recorder_log(bench->recorder, &count);
    for (size_t i = 0; i < count; i++) {
        if (log[i].disk != 1)
            continue;
        if (log[i].kind == RECORD_FLUSH) {
            sweeps += open;
            open = false;
        } else if (log[i].kind == RECORD_WRITE) {
            assert_true(!open || log[i].offset_bytes >= last_bytes);
            last_bytes = log[i].offset_bytes + log[i].length_bytes;
            open = true;
        }
    }
    return sweeps;
}

static void test_one_sweep_for_each_table(void **state)
{
    static const uint64_t chunks[] = {1, 2, 8}, tables[] = {0, 20, 64, 100, 1000}, loads[] = {1, 7, 19, 64};

    (void)state;
    for (uint64_t seed = 1; seed <= 2; seed++) {
        for (size_t c = 0; c < 3; c++) {
            struct fixture fixture = fixture_random_store(seed, chunks[c], 180, chunks[c] * 360 - 1, seed == 2);

            for (size_t t = 0; t < 5; t++) {
                for (size_t l = 0; l < 4; l++) {
                    const struct snap_merge_options options = {.table_entries_max = tables[t],
                                                               .load_entries_max = loads[l],
                                                               .window_entries_max = tables[t]};
                    struct merge_bench *bench = merge_bench_new(&fixture, 512);
                    const uint64_t window = snap_max(tables[t], tables[t] ? 0 : loads[l]);

                    must(merge_once(&bench->store, bench->origin, &bench->job, &options, &bench->result, NULL));
                    expect_merged(bench);
                    if (tables[t]) {
                        assert_int_equal(sweeps(bench), bench->result.windows);
                        assert_true(bench->result.windows <= 2 * snap_div_up(180, window));
                        assert_int_equal(bench->result.origin_flushes, bench->result.windows);
                    }
                    merge_bench_free(bench);
                }
            }
            fixture_free(&fixture);
        }
    }
}

/* Six chunks through a buffer of two: three loads, in the order of the origin, one flush, one cut. */
static void test_exact_order(void **state)
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
    must(merge_once(&bench->store, bench->origin, &bench->job,
                    &(struct snap_merge_options){.table_entries_max = 6, .load_entries_max = 2}, &bench->result, NULL));
    text = recorder_log_text(bench->recorder, true);
    assert_string_equal(text, "cow flush\n"
                              "cow read 512 512\n" /* the list */
                              "cow read 1536 512\ncow read 2560 512\n"
                              "origin write 0 512\norigin write 1024 512\n"
                              "cow read 3072 1024\n"
                              "origin write 2048 1024\n"
                              "cow read 1024 512\ncow read 2048 512\n"
                              "origin write 3584 512\norigin write 4608 512\n"
                              "origin flush\n"
                              "cow read 512 512\ncow write 512 512\ncow flush\n");
    expect_merged(bench);
    free(text);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

static void test_dry_run_says_what_a_table_does(void **state)
{
    struct fixture fixture = fixture_random_store(4, 2, 300, 1201, true);
    const struct snap_merge_options options = {.table_entries_max = 130, .load_entries_max = 17};
    struct merge_bench *bench = merge_bench_new(&fixture, 512);
    struct snap_merge_result planned;

    (void)state;
    must(snap_merge_dry_run(&bench->store, bench->origin, &bench->job, &options, &planned, NULL));
    must(merge_once(&bench->store, bench->origin, &bench->job, &options, &bench->result, NULL));
    assert_int_equal(planned.origin_flushes, bench->result.origin_flushes);
    assert_int_equal(planned.cow_flushes, bench->result.cow_flushes);
    assert_int_equal(planned.read_requests, bench->result.read_requests);
    assert_int_equal(planned.write_requests, bench->result.write_requests);
    assert_int_equal(planned.written_bytes, bench->result.written_bytes);
    assert_int_equal(planned.metadata_bytes, bench->result.metadata_bytes);
    assert_int_equal(planned.windows, bench->result.windows);
    expect_merged(bench);
    merge_bench_free(bench);
    fixture_free(&fixture);
}

/* By itself: the same store is one sweep where seeks cost, and windows as large as the buffer where they do not. */
static void test_seeks_decide(void **state)
{
    struct fixture fixture = fixture_random_store(6, 1, 200, 401, false);

    (void)state;
    for (int seeks = SNAP_MERGE_SEEKS_FREE; seeks <= SNAP_MERGE_SEEKS_ONE_DISK; seeks++) {
        const struct snap_merge_options options = {.load_entries_max = 32, .seeks = (enum snap_merge_seeks)seeks};
        struct merge_bench *bench = merge_bench_new(&fixture, 512);

        must(merge_once(&bench->store, bench->origin, &bench->job, &options, &bench->result, NULL));
        expect_merged(bench);
        if (seeks == SNAP_MERGE_SEEKS_FREE)
            assert_true(bench->result.windows >= 6);
        else
            assert_int_equal(bench->result.windows, 1);
        merge_bench_free(bench);
    }
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_sweep_for_each_table),
        cmocka_unit_test(test_exact_order),
        cmocka_unit_test(test_dry_run_says_what_a_table_does),
        cmocka_unit_test(test_seeks_decide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

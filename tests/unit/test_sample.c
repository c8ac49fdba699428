/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests which entries of a list are chosen: all of a short one, some of every run, every part of a long one. */
#include "lib/check/sample.h"
#include "tests/support/io_fault.h"
#include "tests/unit/format_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#define MANY UINT64_C(1000000)

static uint32_t choose(struct snap_io *cow, uint64_t entries, uint64_t origin_chunks,
                       struct snap_entry sample[SNAP_SAMPLE_MAX])
{
    struct snap_store store = list_open(cow);
    struct snap_error err = {.text = ""};
    uint32_t count;

    assert_ok(snap_sample_entries(&store, entries, origin_chunks, sample, &count, &err), &err);
    assert_true(count <= SNAP_SAMPLE_MAX);
    return count;
}

static void a_short_list_is_taken_whole(void **state)
{
    struct snap_entry sample[SNAP_SAMPLE_MAX];
    struct snap_io *cow = list_new(8, 400 * 8);

    (void)state;
    assert_int_equal(choose(cow, 0, MANY, sample), 0);
    list_put_canonical(cow, 8, 0, SNAP_SAMPLE_MAX, 5, 3);
    for (uint64_t entries = 1; entries <= SNAP_SAMPLE_MAX; entries += 51) {
        assert_int_equal(choose(cow, entries, MANY, sample), entries);
        for (uint64_t i = 0; i < entries; i++) {
            assert_int_equal(sample[i].old_chunk, 5 + 3 * i);
            assert_int_equal(sample[i].new_chunk, format_canonical(8, i));
        }
    }
    list_close(cow);
}

/* Single blocks are what a file system writes beside the content of its files. */
static void entries_that_stand_alone_are_not_lost_among_long_runs(void **state)
{
    struct snap_entry sample[SNAP_SAMPLE_MAX];
    struct snap_io *cow = list_new(8, 4000 * 8);
    uint64_t alone = 0, index = 0;
    uint32_t count;

    (void)state;
    for (uint64_t run = 0; run < 10; run++) {
        list_put_canonical(cow, 8, index, 300, run * 1000, 1);
        list_put(cow, 8, index + 300, 50000 + 2 * run, format_canonical(8, index + 300));
        index += 301;
    }
    count = choose(cow, index, MANY, sample);
    assert_true(count > 200);
    for (uint32_t i = 0; i < count; i++) {
        alone += sample[i].old_chunk >= 50000;
        assert_true(i == 0 || sample[i].new_chunk > sample[i - 1].new_chunk);
    }
    assert_int_equal(alone, 10);
    list_close(cow);
}

static void one_run_is_sampled_evenly(void **state)
{
    struct snap_entry sample[SNAP_SAMPLE_MAX];
    struct snap_io *cow = list_new(8, 4000 * 8);

    (void)state;
    list_put_canonical(cow, 8, 0, 2560, 100, 1);
    assert_int_equal(choose(cow, 2560, MANY, sample), SNAP_SAMPLE_MAX);
    for (uint64_t i = 0; i < SNAP_SAMPLE_MAX; i++)
        assert_int_equal(sample[i].old_chunk, 100 + 10 * i);
    list_close(cow);
}

static void all_parts_of_a_long_list_have_their_share(void **state)
{
    struct list_virtual *list = list_virtual_new(8, MANY);
    struct snap_entry sample[SNAP_SAMPLE_MAX];
    uint32_t parts[10] = {0};
    uint32_t count;

    (void)state;
    for (uint64_t i = 0; i < MANY; i++)
        list->entries[i].old_chunk = i * 2;
    count = choose(&list->io, MANY, 2 * MANY, sample);
    assert_int_equal(count, SNAP_SAMPLE_MAX);
    for (uint32_t i = 0; i < count; i++)
        parts[sample[i].old_chunk / 2 * 10 / MANY]++;
    for (int i = 0; i < 10; i++)
        assert_true(parts[i] >= 15);
    list_close(&list->io);
}

static void entries_without_a_place_are_left_out(void **state)
{
    struct snap_entry sample[SNAP_SAMPLE_MAX];
    struct snap_io *cow = list_new(8, 100 * 8);

    (void)state;
    list_put(cow, 8, 0, 9, 2);
    list_put(cow, 8, 1, 10, 3);          /* beyond the origin */
    list_put(cow, 8, 2, 8, 100);         /* beyond the COW */
    list_put(cow, 8, 3, 7, 1);           /* an area */
    list_put(cow, 8, 4, UINT64_MAX, 99); /* the last chunk of the COW */
    list_put(cow, 8, 5, 0, 99);
    assert_int_equal(choose(cow, 6, 10, sample), 2);
    assert_int_equal(sample[0].old_chunk, 9);
    assert_int_equal(sample[1].old_chunk, 0);
    list_close(cow);
}

static void a_list_that_cannot_be_read_is_a_failure(void **state)
{
    struct snap_io *cow = list_new(8, 100 * 8), *faulty;
    struct snap_entry sample[SNAP_SAMPLE_MAX];
    struct snap_error err = {.text = ""};
    struct snap_store store;
    uint32_t count;

    (void)state;
    list_put_canonical(cow, 8, 0, 10, 0, 1);
    faulty = io_fault_new(cow, NULL);
    io_fault_add(faulty, &(struct io_fault){.kind = IO_FAULT_READ, .offset_bytes = 4096, .length_bytes = 512,
                                            .from_then_on = true});
    store = list_open(faulty);
    assert_status(snap_sample_entries(&store, 10, MANY, sample, &count, &err), SNAP_E_IO, &err);
    assert_int_equal(count, 0);
    list_close(faulty);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_list_is_taken_whole),
        cmocka_unit_test(entries_that_stand_alone_are_not_lost_among_long_runs),
        cmocka_unit_test(one_run_is_sampled_evenly),
        cmocka_unit_test(all_parts_of_a_long_list_have_their_share),
        cmocka_unit_test(entries_without_a_place_are_left_out),
        cmocka_unit_test(a_list_that_cannot_be_read_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

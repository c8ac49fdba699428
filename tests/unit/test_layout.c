/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout arithmetic, held against the format's tables and against a model that walks a store chunk by chunk. */
#include "lib/store/layout.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct snap_layout layout_of(uint64_t chunk_sectors, uint64_t cow_sectors)
{
    struct snap_layout layout;

    assert_int_equal(snap_layout_init(&layout, chunk_sectors, cow_sectors, NULL), SNAP_OK);
    return layout;
}

static void test_chunk_sizes(void **state)
{
    struct snap_error err = {0};
    struct snap_layout layout;

    (void)state;
    for (uint64_t sectors = 1; sectors <= 2097152; sectors *= 2)
        assert_true(snap_layout_chunk_sectors_valid(sectors));
    assert_false(snap_layout_chunk_sectors_valid(0));
    assert_false(snap_layout_chunk_sectors_valid(3));
    assert_false(snap_layout_chunk_sectors_valid(2097151));
    assert_false(snap_layout_chunk_sectors_valid(4194304));
    assert_false(snap_layout_chunk_sectors_valid(UINT64_C(1) << 32)); /* would be 0 in 32 bits */
    assert_int_equal(snap_layout_init(&layout, 12, 100, &err), SNAP_E_USAGE);
    assert_non_null(strstr(err.text, "12 sectors"));
}

static void test_init(void **state)
{
    struct snap_layout layout = layout_of(8, 807);

    (void)state;
    assert_int_equal(layout.chunk_bytes, 4096);
    assert_int_equal(layout.entries_per_area, 256);
    assert_int_equal(layout.cow_sectors, 807);
    assert_int_equal(layout.cow_chunks, 100);
    layout = layout_of(2097152, UINT64_MAX);
    assert_true(layout.chunk_bytes == 1u << 30);
    assert_int_equal(layout.entries_per_area, 67108864);
}

/* What a store of CS=1 looks like, chunk by chunk: header, then areas each followed by 32 data chunks. */
struct model {
    bool area[400];
    uint64_t data[400]; /* the data chunks in order */
    uint64_t data_count;
    uint64_t area_count;
};

static void build_model(struct model *model, uint64_t chunks)
{
    uint64_t behind_area = 32; /* the chunk after the header is an area */

    memset(model, 0, sizeof *model);
    for (uint64_t chunk = 1; chunk < chunks; chunk++) {
        if (behind_area == 32) {
            model->area[chunk] = true;
            model->area_count++;
            behind_area = 0;
        } else {
            model->data[model->data_count++] = chunk;
            behind_area++;
        }
    }
}

/* Entries that can be committed one after the other: data chunk there, and the next area when one is filled. */
static uint64_t model_capacity(const struct model *model)
{
    uint64_t entries = 0;

    while (entries < model->data_count && ((entries + 1) % 32 != 0 || (entries + 1) / 32 < model->area_count))
        entries++;
    return model->area_count == 0 ? 0 : entries;
}

static void test_against_model(void **state)
{
    (void)state;
    for (uint64_t chunks = 0; chunks < 300; chunks++) {
        struct snap_layout layout = layout_of(1, chunks);
        uint64_t area = 0, next = 2, needed;
        struct model model;

        build_model(&model, chunks);
        assert_int_equal(snap_layout_areas_on_device(&layout), model.area_count);
        assert_int_equal(snap_layout_capacity_entries(&layout), model_capacity(&model));
        assert_int_equal(snap_layout_exact_fit_trap(&layout), model.data_count != model_capacity(&model));
        for (uint64_t chunk = 0; chunk < chunks; chunk++) {
            assert_int_equal(snap_layout_is_area_chunk(&layout, chunk), model.area[chunk]);
            assert_int_equal(snap_layout_is_data_chunk(&layout, chunk), chunk != 0 && !model.area[chunk]);
            if (model.area[chunk]) {
                assert_int_equal(snap_layout_area_chunk(&layout, area), chunk);
                assert_int_equal(snap_layout_area_of_chunk(&layout, chunk), area++);
            }
        }
        for (uint64_t chunk = chunks; chunk < chunks + 40; chunk++)
            assert_false(snap_layout_is_data_chunk(&layout, chunk));
        if (chunks >= 2)
            assert_int_equal(snap_layout_data_chunks_before(&layout, chunks), model.data_count);
        for (uint64_t i = 0; i < model.data_count; i++)
            assert_int_equal(snap_layout_canonical_chunk(&layout, i), model.data[i]);
        /* Allocating one after the other, as the kernel does, meets the same chunks. */
        for (uint64_t i = 0; i < model.data_count; i++) {
            assert_int_equal(next, model.data[i]);
            next = snap_layout_next_free(&layout, next);
        }
        /* The recommended size for as many entries holds them, and is none that the trap is in. */
        assert_true(snap_layout_chunks_for_entries(32, chunks, &needed));
        layout = layout_of(1, needed);
        assert_true(snap_layout_capacity_entries(&layout) >= chunks);
        assert_false(snap_layout_exact_fit_trap(&layout));
    }
}

/* A list that fills its area ends in the next one. */
static void test_area_behind(void **state)
{
    const struct snap_layout layout = layout_of(1, 200);

    (void)state;
    assert_int_equal(snap_layout_area_behind(&layout, 0), 1);
    assert_int_equal(snap_layout_area_behind(&layout, 31), 1);
    assert_int_equal(snap_layout_area_behind(&layout, 32), 2);
    assert_int_equal(snap_layout_area_behind(&layout, 64), 3);
}

/* The observed figures: C = 33, 34, 35, 36 chunks of one sector. */
static void test_capacity_of_the_format(void **state)
{
    static const struct {
        uint64_t chunks;
        uint64_t entries;
        bool trap;
    } cases[] = {
        {0, 0, false},   {1, 0, false},   {2, 0, false},   {3, 1, false}, {33, 31, false},
        {34, 31, true},  {35, 32, false}, {36, 33, false}, {67, 63, true}, {68, 64, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct snap_layout layout = layout_of(1, cases[i].chunks);

        assert_int_equal(snap_layout_capacity_entries(&layout), cases[i].entries);
        assert_int_equal(snap_layout_exact_fit_trap(&layout), cases[i].trap);
    }
}

static void test_partial_chunk_is_no_chunk(void **state)
{
    struct snap_layout layout = layout_of(8, 8 * 3 - 1);

    (void)state;
    assert_int_equal(snap_layout_capacity_entries(&layout), 0);
    layout = layout_of(8, 8 * 3);
    assert_int_equal(snap_layout_capacity_entries(&layout), 1);
    assert_int_equal(snap_layout_origin_chunks(&layout, 0), 0);
    assert_int_equal(snap_layout_origin_chunks(&layout, 8), 1);
    assert_int_equal(snap_layout_origin_chunks(&layout, 9), 2);
    assert_true(snap_layout_origin_chunks(&layout, UINT64_MAX) == UINT64_C(1) << 61);
}

static void test_next_free(void **state)
{
    struct snap_layout layout = layout_of(1, 100);

    (void)state;
    assert_int_equal(snap_layout_next_free(&layout, 0), 2);
    assert_int_equal(snap_layout_next_free(&layout, 1), 2);
    assert_int_equal(snap_layout_next_free(&layout, 2), 3);
    assert_int_equal(snap_layout_next_free(&layout, 32), 33);
    assert_int_equal(snap_layout_next_free(&layout, 33), 35); /* 34 is area 1 */
    assert_int_equal(snap_layout_next_free(&layout, 34), 35);
}

/* Data chunks and slots are counted apart: they differ where entries are there twice, and where chunks are left out. */
static void test_free_entries(void **state)
{
    struct snap_layout layout = layout_of(1, 34); /* one area of 32 slots, 32 data chunks */

    (void)state;
    assert_int_equal(snap_layout_free_entries(&layout, 0, 0), 31);
    assert_int_equal(snap_layout_free_entries(&layout, 5, 6), 26);
    assert_int_equal(snap_layout_free_entries(&layout, 30, 31), 1);
    assert_int_equal(snap_layout_free_entries(&layout, 31, 32), 0);
    assert_int_equal(snap_layout_free_entries(&layout, 2, 2), 29);  /* one entry twice: slots are short */
    assert_int_equal(snap_layout_free_entries(&layout, 31, 2), 0);
    assert_int_equal(snap_layout_free_entries(&layout, 1, 10), 23); /* chunks are short */
    assert_int_equal(snap_layout_free_entries(&layout, 1, 33), 0);
    layout = layout_of(1, 36); /* a second area, and one data chunk behind it */
    assert_int_equal(snap_layout_free_entries(&layout, 2, 2), 32);
    assert_int_equal(snap_layout_free_entries(&layout, 40, 33), 1);
    layout = layout_of(1, 1);
    assert_int_equal(snap_layout_free_entries(&layout, 0, 0), 0);
}

static void test_usage(void **state)
{
    struct snap_layout layout = layout_of(1, 35);
    struct snap_usage usage;

    (void)state;
    snap_layout_usage(&layout, 0, 0, &usage); /* new: 2/total 2 */
    assert_int_equal(usage.allocated_sectors, 2);
    assert_int_equal(usage.total_sectors, 35);
    assert_int_equal(usage.metadata_sectors, 2);
    snap_layout_usage(&layout, 31, 32, &usage);
    assert_int_equal(usage.allocated_sectors, 33);
    assert_int_equal(usage.metadata_sectors, 2);
    snap_layout_usage(&layout, 32, 33, &usage); /* area 0 is full: 35/35 3 */
    assert_int_equal(usage.allocated_sectors, 35);
    assert_int_equal(usage.metadata_sectors, 3);
    layout = layout_of(8, 807);
    snap_layout_usage(&layout, 3, 4, &usage);
    assert_int_equal(usage.allocated_sectors, 40);
    assert_int_equal(usage.total_sectors, 807);
    assert_int_equal(usage.metadata_sectors, 16);
    /* A data chunk around 2^61: the kernel's own figure. */
    snap_layout_usage(&layout, 1, (UINT64_C(1) << 61) - 2, &usage);
    assert_true(usage.allocated_sectors == 18446744073709551608u);
    assert_int_equal(snap_layout_free_entries(&layout, 1, UINT64_MAX), 0); /* which has no number behind it */
}

static void test_limits(void **state)
{
    struct snap_layout layout = layout_of(1, UINT64_MAX);
    uint64_t chunks;

    (void)state;
    assert_true(snap_layout_area_chunk(&layout, (UINT64_MAX - 1) / 33) == (UINT64_MAX - 1) / 33 * 33 + 1);
    assert_true(snap_layout_area_chunk(&layout, (UINT64_MAX - 1) / 33 + 1) == UINT64_MAX);
    assert_true(snap_layout_area_chunk(&layout, UINT64_MAX) == UINT64_MAX);
    assert_true(snap_layout_capacity_entries(&layout) < UINT64_MAX / 33 * 32 + 33);
    assert_true(snap_layout_chunks_for_entries(32, 0, &chunks) && chunks == 2);
    assert_true(snap_layout_chunks_for_entries(32, 1, &chunks) && chunks == 3);
    assert_true(snap_layout_chunks_for_entries(32, 31, &chunks) && chunks == 33);
    assert_true(snap_layout_chunks_for_entries(32, 32, &chunks) && chunks == 35);
    assert_false(snap_layout_chunks_for_entries(32, UINT64_MAX, &chunks));
    assert_false(snap_layout_chunks_for_entries(32, UINT64_MAX - 32, &chunks));
    assert_true(snap_layout_chunks_for_entries(32, UINT64_MAX / 2, &chunks));
    layout = layout_of(8, 8000);
    assert_true(snap_layout_canonical_chunk(&layout, 255) == 257 && snap_layout_canonical_chunk(&layout, 256) == 259);
    assert_true(snap_layout_canonical_chunk(&layout, (UINT64_C(1) << 55) - 1) ==
                (UINT64_C(1) << 55) + 1 + (UINT64_C(1) << 47) - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chunk_sizes),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_against_model),
        cmocka_unit_test(test_area_behind),
        cmocka_unit_test(test_capacity_of_the_format),
        cmocka_unit_test(test_partial_chunk_is_no_chunk),
        cmocka_unit_test(test_next_free),
        cmocka_unit_test(test_free_entries),
        cmocka_unit_test(test_usage),
        cmocka_unit_test(test_limits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A new store shows what the old one shows, whatever its chunks are; what is damaged or equal is left out. */
#include "lib/repair/rewrite.h"

#include "tests/unit/list_fixture.h"
#include "tests/unit/store_fixture.h"

#define COW_SECTORS 20000u
#define ENTRIES_MAX 5000u

/* What the store shows over the origin, read naively. */
static void assert_shows(const struct fixture *fixture, const uint8_t *cow, uint32_t chunk_sectors,
                         const uint8_t *view)
{
    static struct snap_entry entries[ENTRIES_MAX];
    const uint64_t count = list_read(cow, COW_SECTORS * 512, chunk_sectors, entries, ENTRIES_MAX);
    const struct fixture other = {.chunk_bytes = chunk_sectors * 512u, .origin_bytes = fixture->origin_bytes};
    uint8_t *shown = fixture_alloc(1, fixture->origin_bytes);

    memcpy(shown, fixture->origin, fixture->origin_bytes);
    for (uint64_t i = 0; i < count; i++) {
        fixture_overlay(&other, shown, cow, &entries[i]);
        assert_int_equal(entries[i].new_chunk, format_canonical(chunk_sectors, i));
        if (i > 0)
            assert_true(entries[i].old_chunk > entries[i - 1].old_chunk);
    }
    assert_memory_equal(shown, view, fixture->origin_bytes);
    free(shown);
}

/* Rewrites into a store of this chunk size; how many entries that made. */
static uint64_t rewritten(const struct fixture *fixture, const uint8_t *cow, uint32_t chunk_sectors, bool equal_out,
                          const uint8_t *view, uint64_t *damaged)
{
    struct snap_io *from = fixture_mem("cow", cow, fixture->cow_bytes, 512);
    struct snap_io *origin = fixture_mem("origin", fixture->origin, fixture->origin_bytes, 512);
    struct snap_io *to = io_mem_new("to", COW_SECTORS * 512, 512, true);
    struct snap_store store = list_open(from);
    struct snap_layout layout;
    struct snap_rewrite rewrite = {.store = &store,
                                   .origin = origin,
                                   .layout = &layout,
                                   .leave_out_equal = equal_out,
                                   .memory_bytes = SNAP_VIEW_MEMORY_MIN_BYTES};
    struct snap_create *create;
    uint64_t counted;

    must(snap_layout_init(&layout, chunk_sectors, COW_SECTORS, NULL));
    must(snap_rewrite(&rewrite, NULL, NULL));
    counted = rewrite.entries;
    must(snap_create_begin(&create, to, &layout, NULL));
    must(snap_rewrite(&rewrite, create, NULL));
    must(snap_create_finish(create, NULL, NULL, NULL));
    assert_int_equal(snap_create_entries(create), counted);
    assert_int_equal(rewrite.entries, counted);
    snap_create_close(create);
    assert_shows(fixture, io_mem_bytes(to), chunk_sectors, view);
    *damaged = rewrite.damaged_chunks;
    assert_memory_equal(io_mem_bytes(from), cow, fixture->cow_bytes);
    must_close(from);
    must_close(origin);
    must_close(to);
    return counted;
}

static void test_any_chunk_size(void **state)
{
    static const uint32_t sizes[] = {1, 2, 8, 32};

    (void)state;
    for (uint64_t seed = 1; seed <= 12; seed++) {
        struct fixture fixture = fixture_random_store(seed, (uint64_t)1 << seed % 4, 60, 1999, seed % 2);

        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            uint64_t damaged;
            const uint64_t count = rewritten(&fixture, fixture.cow, sizes[i], false, fixture.view, &damaged);

            assert_int_equal(damaged, 0);
            if (sizes[i] == fixture.chunk_sectors)
                assert_int_equal(count, 60);
        }
        fixture_free(&fixture);
    }
}

/* Entries that hold what the origin holds are of no use. */
static void test_equal_ones_left_out(void **state)
{
    struct fixture fixture = fixture_random_store(3, 4, 50, 2000, false);
    uint64_t damaged;

    (void)state;
    for (size_t i = 10; i < 30; i++) {
        const struct snap_entry *entry = &fixture.entries[i];
        const uint64_t at = entry->old_chunk * fixture.chunk_bytes;

        memcpy(fixture.cow + entry->new_chunk * fixture.chunk_bytes, fixture.origin + at, fixture.chunk_bytes);
        memcpy(fixture.view + at, fixture.origin + at, fixture.chunk_bytes);
    }
    assert_int_equal(rewritten(&fixture, fixture.cow, 4, true, fixture.view, &damaged), 30);
    assert_int_equal(rewritten(&fixture, fixture.cow, 4, false, fixture.view, &damaged), 50);
    fixture_free(&fixture);
}

/* An entry without data chunk: the origin shows there, and it is counted once. */
static void test_damaged_left_out(void **state)
{
    struct fixture fixture = fixture_random_store(5, 4, 50, 2000, false);
    uint64_t damaged;

    (void)state;
    for (size_t i = 20; i < 23; i++) {
        const uint64_t at = fixture.entries[i].old_chunk * fixture.chunk_bytes;

        format_put_entry(fixture.cow, 4, i, fixture.entries[i].old_chunk, 100000);
        memcpy(fixture.view + at, fixture.origin + at, fixture.chunk_bytes);
    }
    assert_int_equal(rewritten(&fixture, fixture.cow, 4, false, fixture.view, &damaged), 47);
    assert_int_equal(damaged, 3);
    assert_int_equal(rewritten(&fixture, fixture.cow, 1, false, fixture.view, &damaged), 47 * 4);
    fixture_free(&fixture);
}

/* A store that is too small stays none. */
static void test_full(void **state)
{
    struct fixture fixture = fixture_random_store(7, 4, 50, 2000, false);
    struct snap_io *from = fixture_mem("cow", fixture.cow, fixture.cow_bytes, 512);
    struct snap_io *origin = fixture_mem("origin", fixture.origin, fixture.origin_bytes, 512);
    struct snap_io *to = io_mem_new("to", 80 * 512, 512, true);
    struct snap_store store = list_open(from);
    struct snap_layout layout;
    struct snap_rewrite rewrite = {.store = &store, .origin = origin, .layout = &layout};
    struct snap_create *create;

    (void)state;
    must(snap_layout_init(&layout, 4, 80, NULL));
    must(snap_create_begin(&create, to, &layout, NULL));
    assert_int_equal(snap_rewrite(&rewrite, create, NULL), SNAP_E_NOSPC);
    snap_create_close(create);
    assert_true(snap_all_zero(io_mem_bytes(to), 16));
    must_close(from);
    must_close(origin);
    must_close(to);
    fixture_free(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_chunk_size),
        cmocka_unit_test(test_equal_ones_left_out),
        cmocka_unit_test(test_damaged_left_out),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

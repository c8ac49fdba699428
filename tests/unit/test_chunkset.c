/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests that the set of chunks is a set, and stays inside its memory. */
#include "lib/check/chunkset.h"
#include "tests/unit/alloc_fixture.h"
#include "tests/unit/list_fixture.h"
#include "tests/unit/unit.h"

#define PAGE SNAP_CHUNKSET_SLOT_CHUNKS
#define UNIVERSE (UINT64_C(1) << 20)
#define MIB (UINT64_C(1) << 20)

static struct snap_chunkset *new_set(uint64_t memory_bytes)
{
    struct snap_chunkset *set = snap_chunkset_new(memory_bytes);

    assert_non_null(set);
    return set;
}

static bool add(struct snap_chunkset *set, uint64_t chunk)
{
    bool was_there;

    assert_int_equal(snap_chunkset_add(set, chunk, &was_there), SNAP_OK);
    return was_there;
}

/* One number per page, at a place of its own in each page. */
static uint64_t spread(uint64_t i)
{
    return i * PAGE + i * 37 % PAGE;
}

/* Adds one number per page until there is no room; returns how many fitted. */
static uint64_t fill(struct snap_chunkset *set)
{
    bool was_there = true;
    uint64_t i = 0;

    while (snap_chunkset_add(set, spread(i), &was_there) == SNAP_OK) {
        assert_false(was_there);
        i++;
    }
    return i;
}

static void a_new_set_is_empty(void **state)
{
    struct snap_chunkset *set = new_set(MIB);

    (void)state;
    for (uint64_t chunk = 0; chunk < 3 * PAGE; chunk++)
        assert_false(snap_chunkset_has(set, chunk));
    assert_false(snap_chunkset_has(set, UINT64_MAX));
    snap_chunkset_free(set);
    snap_chunkset_free(NULL);
}

static void random_numbers_are_kept_as_in_a_bitmap(void **state)
{
    struct snap_chunkset *set = new_set(8 * MIB);
    bool *naive = test_calloc(UNIVERSE, sizeof *naive);
    uint64_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 400000; round++) {
        uint64_t chunk = unit_random(&seed, UNIVERSE);

        if (round % 3 == 0)
            chunk = chunk % 5000 * 7; /* some often */
        assert_int_equal(add(set, chunk), naive[chunk]);
        naive[chunk] = true;
        chunk = unit_random(&seed, UNIVERSE);
        assert_int_equal(snap_chunkset_has(set, chunk), naive[chunk]);
    }
    for (uint64_t chunk = 0; chunk < UNIVERSE; chunk++)
        assert_int_equal(snap_chunkset_has(set, chunk), naive[chunk]);
    free(naive);
    snap_chunkset_free(set);
}

static void numbers_at_edges_are_told_apart(void **state)
{
    static const uint64_t edges[] = {0,    63,   64,   127, 128,
                                     4095, 4096, UINT64_C(1) << 32, UINT64_C(1) << 55, UINT64_MAX - PAGE,
                                     UINT64_MAX};
    const size_t count = sizeof edges / sizeof edges[0];
    struct snap_chunkset *set = new_set(MIB);

    (void)state;
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < count; k++)
            assert_int_equal(snap_chunkset_has(set, edges[k]), k < i);
        assert_false(add(set, edges[i]));
        assert_true(add(set, edges[i]));
    }
    assert_false(snap_chunkset_has(set, UINT64_MAX - 1));
    assert_false(snap_chunkset_has(set, 1));
    snap_chunkset_free(set);
}

static void one_number_per_page_is_kept(void **state)
{
    const uint64_t count = 20000;
    struct snap_chunkset *set = new_set(32 * MIB);

    (void)state;
    for (uint64_t i = 0; i < count; i++)
        assert_false(add(set, spread(i)));
    for (uint64_t i = 0; i < count; i++) {
        assert_true(snap_chunkset_has(set, spread(i)));
        assert_false(snap_chunkset_has(set, spread(i) ^ 1));
        assert_false(snap_chunkset_has(set, spread(i) ^ 64));
        assert_true(add(set, spread(i)));
    }
    snap_chunkset_free(set);
}

static void the_memory_is_a_bound(void **state)
{
    static const uint64_t sizes[] = {4096, 65536, 66000, 70000, 140000, MIB, 3 * MIB + 7, 20 * MIB};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t before_bytes = alloc.live_bytes;
        struct snap_chunkset *set;
        uint64_t pages;

        alloc_mark();
        set = new_set(sizes[i]);
        pages = fill(set);
        if (alloc.peak_bytes - before_bytes > sizes[i])
            fail_msg("%ju bytes allocated, %ju allowed", (uintmax_t)(alloc.peak_bytes - before_bytes),
                     (uintmax_t)sizes[i]);
        if (sizes[i] >= MIB) /* and it is used: while it grows, two tables share it */
            assert_true(pages * 16 > sizes[i] / 3);
        snap_chunkset_free(set);
        assert_int_equal(alloc.live_bytes, before_bytes);
    }
}

static void a_full_set_is_as_it_was(void **state)
{
    struct snap_chunkset *set = new_set(MIB);
    const uint64_t count = fill(set);
    bool was_there;

    (void)state;
    assert_true(count > 0);
    for (int round = 0; round < 3; round++) {
        assert_int_equal(snap_chunkset_add(set, spread(count + 5), &was_there), SNAP_E_NOMEM);
        assert_false(snap_chunkset_has(set, spread(count)));
        assert_false(snap_chunkset_has(set, spread(count + 5)));
        for (uint64_t i = 0; i < count; i++) {
            assert_true(snap_chunkset_has(set, spread(i)));
            assert_false(snap_chunkset_has(set, spread(i) ^ 1));
        }
    }
    snap_chunkset_free(set);
}

static void no_allocation_can_fail_unnoticed(void **state)
{
    (void)state;
    for (uint64_t k = 1;; k++) {
        struct snap_chunkset *set;
        uint64_t failed = UINT64_MAX;

        alloc_fail_at(k, false);
        set = snap_chunkset_new(32 * MIB);
        if (k <= 2) {
            assert_null(set);
            continue;
        }
        assert_non_null(set);
        for (uint64_t i = 0; i < 1000; i++) {
            bool was_there = true;

            if (snap_chunkset_add(set, spread(i), &was_there) != SNAP_OK) {
                assert_int_equal(failed, UINT64_MAX);
                failed = i;
                assert_false(snap_chunkset_has(set, spread(i)));
                assert_false(add(set, spread(i))); /* there is memory again */
            } else {
                assert_false(was_there);
            }
        }
        for (uint64_t i = 0; i < 1000; i++) {
            assert_true(snap_chunkset_has(set, spread(i)));
            assert_false(snap_chunkset_has(set, spread(i) ^ 1));
        }
        snap_chunkset_free(set);
        if (failed == UINT64_MAX) {
            assert_true(k > 6); /* tables and slabs were among them */
            break;
        }
    }
    alloc_fail_at(0, false);
}

static void clearing_keeps_the_memory(void **state)
{
    struct snap_chunkset *set = new_set(2 * MIB);
    const uint64_t count = fill(set);

    (void)state;
    for (int round = 0; round < 3; round++) {
        uint64_t held_bytes = alloc.live_bytes;

        snap_chunkset_clear(set);
        for (uint64_t i = 0; i <= count; i++)
            assert_false(snap_chunkset_has(set, spread(i)));
        alloc_mark();
        for (uint64_t i = count; i-- > 0;) { /* the page that was used last comes first */
            assert_false(add(set, spread(i) ^ 1)); /* others than before: no old bit may come back */
            assert_false(snap_chunkset_has(set, spread(i)));
            assert_true(snap_chunkset_has(set, spread(i) ^ 1));
        }
        assert_int_equal(alloc.calls, 0);
        snap_chunkset_clear(set);
        assert_int_equal(fill(set), count);
        assert_int_equal(alloc.live_bytes, held_bytes);
    }
    snap_chunkset_free(set);
}

static void a_reserved_set_takes_all_at_once(void **state)
{
    static const uint64_t sizes[] = {4096, 66000, MIB, 20 * MIB};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint64_t before_bytes = alloc.live_bytes, count;
        struct snap_chunkset *set = new_set(MIB);

        (void)fill(set);
        alloc_mark();
        assert_true(snap_chunkset_reserve(set, sizes[i]));
        assert_false(snap_chunkset_has(set, spread(0)));
        assert_int_equal(snap_chunkset_slots(set), 0);
        count = fill(set);
        assert_int_equal(count, snap_chunkset_slots(set));
        assert_int_equal(count, snap_chunkset_slots_max(set));
        assert_true(count * 16 > sizes[i] / 10 * 7 && alloc.live_bytes - before_bytes <= sizes[i]);
        assert_true(count * 16 <= sizes[i] / 4 * 3); /* a search in a fuller table takes long */
        assert_in_range(alloc.calls, 1, 2);
        for (uint64_t k = 0; k < count; k++)
            assert_true(snap_chunkset_has(set, spread(k)) && !snap_chunkset_has(set, spread(k) ^ 1));
        snap_chunkset_free(set);
        assert_int_equal(alloc.live_bytes, before_bytes);
    }
}

static void a_reservation_takes_what_there_is(void **state)
{
    struct snap_chunkset *set = new_set(MIB);

    (void)state;
    alloc_fail_at(1, false);
    assert_true(snap_chunkset_reserve(set, MIB)); /* the second try, half of it */
    alloc_fail_at(0, false);
    assert_in_range(fill(set), MIB / 16 / 4, MIB / 16 / 2);
    alloc_fail_at(1, true);
    assert_false(snap_chunkset_reserve(set, MIB));
    alloc_fail_at(0, false);
    assert_false(snap_chunkset_has(set, spread(1)));
    snap_chunkset_clear(set);
    assert_false(snap_chunkset_reserve(set, 100)); /* not even the least */
    snap_chunkset_free(set);
}

static void a_number_that_is_expected_is_not_there(void **state)
{
    struct snap_chunkset *set = new_set(MIB);
    bool was_there = true;

    (void)state;
    snap_chunkset_expect(set, 7);
    assert_false(snap_chunkset_has(set, 7));
    assert_int_equal(snap_chunkset_slots(set), 0);
    assert_int_equal(snap_chunkset_add(set, 7, &was_there), SNAP_OK);
    assert_false(was_there);
    snap_chunkset_expect(set, UINT64_MAX);
    assert_true(snap_chunkset_has(set, 7));
    assert_int_equal(snap_chunkset_slots(set), 1);
    alloc_fail_at(1, true);
    assert_false(snap_chunkset_reserve(set, MIB)); /* a set without a table expects nothing */
    alloc_fail_at(0, false);
    snap_chunkset_expect(set, 7);
    assert_false(snap_chunkset_has(set, 7));
    snap_chunkset_free(set);
}

static void shares_are_even_and_whole(void **state)
{
    static const uint64_t divisors[] = {2, 3, 16, 100};
    struct snap_chunkset *set = new_set(MIB);

    (void)state;
    for (uint64_t page = 0; page < 1000; page++)
        for (uint64_t i = 0; i < PAGE; i += 7)
            assert_int_equal(snap_chunkset_share(set, page * PAGE + i, 1000),
                             snap_chunkset_share(set, page * PAGE, 1000));
    for (size_t d = 0; d < sizeof divisors / sizeof divisors[0]; d++) {
        for (uint64_t step = 1; step <= 4096; step *= 16) { /* slots in a row, and far apart */
            uint64_t counts[100] = {0};

            for (uint64_t page = 0; page < 20000; page++)
                counts[snap_chunkset_share(set, page * step * PAGE, divisors[d])]++;
            for (uint64_t i = 0; i < divisors[d]; i++)
                assert_in_range(counts[i], 20000 / divisors[d] / 2, 20000 / divisors[d] * 2);
        }
    }
    snap_chunkset_free(set);
}

/* Whoever writes a list knows this code, but not the key of a run: each number still costs a few looks. */
static void no_numbers_collide(void **state)
{
    static const uint64_t steps[] = {1, 3, 1 << 12, UINT64_C(1) << 32, UINT64_C(1) << 40};
    const uint64_t count = 200000;

    (void)state;
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct snap_chunkset *set = new_set(32 * MIB);

        for (uint64_t i = 0; i < count; i++)
            assert_false(add(set, i * steps[s] * PAGE));
        assert_true(snap_chunkset_probes(set) < 16 * count);
        snap_chunkset_free(set);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_set_is_empty),
        cmocka_unit_test(random_numbers_are_kept_as_in_a_bitmap),
        cmocka_unit_test(numbers_at_edges_are_told_apart),
        cmocka_unit_test(one_number_per_page_is_kept),
        cmocka_unit_test(the_memory_is_a_bound),
        cmocka_unit_test(a_full_set_is_as_it_was),
        cmocka_unit_test(no_allocation_can_fail_unnoticed),
        cmocka_unit_test(clearing_keeps_the_memory),
        cmocka_unit_test(a_reserved_set_takes_all_at_once),
        cmocka_unit_test(a_reservation_takes_what_there_is),
        cmocka_unit_test(a_number_that_is_expected_is_not_there),
        cmocka_unit_test(shares_are_even_and_whole),
        cmocka_unit_test(no_numbers_collide),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where repeated entries come first is remembered, in bounded memory; what is not remembered is never claimed. */
#include "lib/check/repeated.h"

#include "tests/unit/alloc_fixture.h"
#include "tests/unit/unit.h"

static void test_what_was_noted_is_known(void **state)
{
    struct snap_repeated *repeated = snap_repeated_new(UINT64_C(1) << 20);

    (void)state;
    assert_non_null(repeated);
    assert_false(snap_repeated_earlier(repeated, 5, UINT64_MAX));
    for (uint64_t i = 0; i < 5000; i++)
        snap_repeated_note(repeated, i << 40, i * 3);
    snap_repeated_note(repeated, 0, 100); /* known already */
    for (uint64_t i = 0; i < 5000; i++) {
        assert_false(snap_repeated_earlier(repeated, i << 40, i * 3)); /* the first one itself */
        assert_true(snap_repeated_earlier(repeated, i << 40, i * 3 + 1));
        assert_false(snap_repeated_earlier(repeated, i << 40 | 1, UINT64_MAX));
    }
    assert_false(snap_repeated_earlier(NULL, 5, 6));
    snap_repeated_free(repeated);
    snap_repeated_free(NULL);
}

static void test_memory_is_a_bound(void **state)
{
    static const uint64_t sizes[] = {0, 100, 5000, 66000, UINT64_C(1) << 20};

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        const uint64_t before_bytes = alloc.live_bytes;
        struct snap_repeated *repeated;
        uint64_t known = 0;

        alloc_mark();
        repeated = snap_repeated_new(sizes[s]);
        for (uint64_t i = 0; i < 100000; i++)
            snap_repeated_note(repeated, i, i);
        for (uint64_t i = 0; i < 100000; i++)
            known += snap_repeated_earlier(repeated, i, i + 1);
        assert_true(alloc.peak_bytes - before_bytes <= sizes[s] || sizes[s] < 100);
        assert_true(sizes[s] < 5000 ? known == 0 : known >= sizes[s] / 16 / 4 && known < 100000);
        snap_repeated_free(repeated);
        assert_int_equal(alloc.live_bytes, before_bytes);
    }
}

static void test_allocations_fail(void **state)
{
    struct snap_repeated *repeated;

    (void)state;
    alloc_fail_at(1, true);
    assert_null(snap_repeated_new(100000));
    alloc_fail_at(2, true);
    repeated = snap_repeated_new(100000);
    snap_repeated_note(repeated, 1, 1); /* not remembered */
    alloc_fail_at(0, false);
    assert_false(snap_repeated_earlier(repeated, 1, 2));
    snap_repeated_note(repeated, 1, 1);
    assert_true(snap_repeated_earlier(repeated, 1, 2));
    snap_repeated_free(repeated);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_noted_is_known),
        cmocka_unit_test(test_memory_is_a_bound),
        cmocka_unit_test(test_allocations_fail),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

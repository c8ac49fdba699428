/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The hash under a key: nobody foresees it, and numbers of any shape fall evenly on places and shares. */
#include "lib/base/hash_key.h"

#include "tests/unit/unit.h"

static void test_each_key_is_another(void **state)
{
    struct snap_hash_key first, second;
    unsigned equal = 0;

    (void)state;
    snap_hash_key_init(&first);
    snap_hash_key_init(&second);
    for (uint64_t number = 0; number < 1000; number++)
        equal += snap_hash_key_place(snap_hash_key_mix(&first, number), 1 << 20) ==
                 snap_hash_key_place(snap_hash_key_mix(&second, number), 1 << 20);
    assert_in_range(equal, 0, 10);
    assert_int_equal(first.first & first.second & second.first & second.second & 1, 1);
}

/* Numbers in a row, far apart, or different in their upper bits alone. */
static void test_all_shapes_fall_evenly(void **state)
{
    static const uint64_t steps[] = {1, 2, 4096, UINT64_C(1) << 32, UINT64_C(1) << 50, 0x100000001};

    (void)state;
    for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
        struct snap_hash_key key;
        uint64_t places[100] = {0}, shares[100] = {0};

        snap_hash_key_init(&key);
        for (uint64_t i = 0; i < 10000; i++) {
            const uint64_t hash = snap_hash_key_mix(&key, i * steps[s]);

            places[snap_hash_key_place(hash, 100)]++;
            shares[snap_hash_key_share(hash, 100)]++;
        }
        for (size_t i = 0; i < 100; i++) {
            assert_in_range(places[i], 20, 400);
            assert_in_range(shares[i], 20, 400);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_key_is_another),
        cmocka_unit_test(test_all_shapes_fall_evenly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

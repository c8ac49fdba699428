/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Little-endian bytes and checked arithmetic, at their limits. */
#include "lib/base/arith.h"
#include "lib/base/bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void test_little_endian(void **state)
{
    static const uint8_t bytes[] = {0xff, 0x01, 0x82, 0x03, 0x84, 0x05, 0x86, 0x07, 0x88};
    uint8_t out[10];

    (void)state;
    assert_int_equal(snap_get_le16(bytes + 1), 0x8201);
    assert_int_equal(snap_get_le32(bytes + 1), 0x84038201);
    assert_true(snap_get_le64(bytes + 1) == 0x8807860584038201u);
    memset(out, 0xee, sizeof out);
    snap_put_le64(out + 1, 0x8807860584038201u);
    assert_memory_equal(out + 1, bytes + 1, 8);
    assert_int_equal(out[0], 0xee);
    assert_int_equal(out[9], 0xee);
    memset(out, 0xee, sizeof out);
    snap_put_le32(out + 1, 0x84038201);
    assert_memory_equal(out + 1, bytes + 1, 4);
    assert_int_equal(out[5], 0xee);
    snap_put_le16(out + 1, 0xfffe);
    assert_int_equal(out[1], 0xfe);
    assert_int_equal(out[2], 0xff);
    assert_int_equal(out[3], 0x03); /* still of the number before */
}

static void test_all_zero(void **state)
{
    uint8_t bytes[40] = {0};

    (void)state;
    for (size_t length = 0; length <= sizeof bytes; length++)
        assert_true(snap_all_zero(bytes, length));
    for (size_t at = 0; at < sizeof bytes; at++) {
        bytes[at] = 0x80;
        for (size_t length = 0; length <= sizeof bytes; length++)
            assert_int_equal(snap_all_zero(bytes, length), length <= at);
        bytes[at] = 0;
    }
}

static void test_checked(void **state)
{
    uint64_t out = 0;

    (void)state;
    assert_true(snap_add(UINT64_MAX - 1, 1, &out) && out == UINT64_MAX);
    assert_false(snap_add(UINT64_MAX, 1, &out));
    assert_true(snap_mul(UINT64_C(1) << 32, (UINT64_C(1) << 32) - 1, &out) && out == 0xffffffff00000000u);
    assert_false(snap_mul(UINT64_C(1) << 32, UINT64_C(1) << 32, &out));
    assert_true(snap_mul(UINT64_MAX, 0, &out) && out == 0);
}

static void test_rounding(void **state)
{
    uint64_t out = 0;

    (void)state;
    assert_true(snap_div_up(0, 7) == 0);
    assert_true(snap_div_up(7, 7) == 1);
    assert_true(snap_div_up(8, 7) == 2);
    assert_true(snap_div_up(UINT64_MAX, 2) == UINT64_C(1) << 63);
    assert_true(snap_round_down(4095, 4096) == 0);
    assert_true(snap_round_down(4096, 4096) == 4096);
    assert_true(snap_round_up(4096, 4096, &out) && out == 4096);
    assert_true(snap_round_up(4097, 4096, &out) && out == 8192);
    assert_true(snap_round_up(UINT64_MAX - 4095, 4096, &out) && out == UINT64_MAX - 4095);
    assert_false(snap_round_up(UINT64_MAX - 4094, 4096, &out));
}

static void test_predicates(void **state)
{
    (void)state;
    assert_false(snap_is_pow2(0));
    assert_true(snap_is_pow2(1));
    assert_false(snap_is_pow2(3));
    assert_true(snap_is_pow2(UINT64_C(1) << 63));
    assert_true(snap_min(1, UINT64_MAX) == 1 && snap_max(1, UINT64_MAX) == UINT64_MAX);
    assert_true(snap_range_fits(0, 0, 0));
    assert_true(snap_range_fits(10, 0, 10));
    assert_false(snap_range_fits(11, 0, 10));
    assert_true(snap_range_fits(3, 7, 10));
    assert_false(snap_range_fits(3, 8, 10));
    assert_false(snap_range_fits(3, UINT64_MAX, 10)); /* the sum wraps */
    assert_false(snap_range_fits(UINT64_MAX, 2, UINT64_MAX));
    assert_true(snap_range_fits(UINT64_MAX, 0, UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_little_endian),
        cmocka_unit_test(test_all_zero),
        cmocka_unit_test(test_checked),
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_predicates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

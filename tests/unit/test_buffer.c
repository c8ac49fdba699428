/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffers are aligned as promised, zeroed where promised, and refused where no memory could hold them. */
#include "lib/base/buffer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void expect_aligned(uint64_t length_bytes, uintptr_t align_bytes)
{
    uint8_t *zeroed = snap_buffer_new(length_bytes);
    uint8_t *unset = snap_buffer_new_unset(length_bytes);

    assert_non_null(zeroed);
    assert_non_null(unset);
    assert_true((uintptr_t)zeroed % align_bytes == 0);
    assert_true((uintptr_t)unset % align_bytes == 0);
    for (uint64_t i = 0; i < length_bytes; i++)
        assert_int_equal(zeroed[i], 0);
    snap_buffer_free(zeroed);
    snap_buffer_free(unset);
}

static void test_aligned_and_zeroed(void **state)
{
    (void)state;
    expect_aligned(0, 4096);
    expect_aligned(1, 4096);
    expect_aligned(4097, 4096);
    expect_aligned((2u << 20) - 1, 4096);
    expect_aligned(2u << 20, 2u << 20);
    expect_aligned((2u << 20) + 1, 2u << 20);
}

/* The C library hands out used memory again: the zeros must be new each time. */
static void test_zeroed_again(void **state)
{
    (void)state;
    for (int round = 0; round < 4; round++) {
        uint8_t *buffer = snap_buffer_new(8192);

        assert_non_null(buffer);
        for (int i = 0; i < 8192; i++) {
            assert_int_equal(buffer[i], 0);
            buffer[i] = 0xa5;
        }
        snap_buffer_free(buffer);
    }
}

static void test_refused(void **state)
{
    (void)state;
    assert_null(snap_buffer_new(UINT64_MAX));
    assert_null(snap_buffer_new_unset(UINT64_MAX - 4096));
    snap_buffer_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned_and_zeroed),
        cmocka_unit_test(test_zeroed_again),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

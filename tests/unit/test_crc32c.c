/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checksum, compared with known values of CRC-32C, and in parts. */
#include "lib/base/crc32c.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void test_known_values(void **state)
{
    static const uint8_t zeros[32];

    (void)state;
    assert_true(snap_crc32c((const uint8_t *)"123456789", 9) == 0xe3069283u);
    assert_true(snap_crc32c(zeros, 32) == 0x8a9136aau);
    assert_true(snap_crc32c(zeros, 0) == 0);
}

static void test_in_parts(void **state)
{
    const uint8_t *text = (const uint8_t *)"123456789";

    (void)state;
    for (uint64_t first = 0; first <= 9; first++)
        assert_true(snap_crc32c_add(snap_crc32c_add(0, text, first), text + first, 9 - first) == 0xe3069283u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_values),
        cmocka_unit_test(test_in_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Buffers are aligned and zeroed as promised, in no core dump, and refused where no memory could hold them. */
#include "lib/base/buffer.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

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

/* The kernel's flags of the mapping that the byte is in, such as "rd wr mr mw me dd"; false: it does not tell. */
static bool flags_of(const uint8_t *byte, char *flags, int flags_bytes)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[512];
    bool inside = false, found = false;

    while (maps && !found && fgets(line, sizeof line, maps)) {
        uintptr_t first, end;

        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &first, &end) == 2)
            inside = (uintptr_t)byte >= first && (uintptr_t)byte < end;
        found = inside && strncmp(line, "VmFlags:", 8) == 0;
    }
    if (found)
        (void)snprintf(flags, (size_t)flags_bytes, "%s", line + 8);
    if (maps)
        (void)fclose(maps);
    return found;
}

/* What is on a device must not get into a core dump, not even its last page. */
static void test_not_dumped(void **state)
{
    static const uint64_t lengths[] = {1, 4096, 4097, 1u << 20, (2u << 20) + 1, 32u << 20};

    (void)state;
    for (unsigned i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        uint8_t *buffers[] = {snap_buffer_new(lengths[i]), snap_buffer_new_unset(lengths[i])};

        for (int j = 0; j < 2; j++) {
            char flags[512];

            assert_non_null(buffers[j]);
            buffers[j][lengths[i] - 1] = 1;
            if (!flags_of(buffers[j], flags, sizeof flags))
                skip();
            assert_non_null(strstr(flags, " dd"));
            assert_true(flags_of(buffers[j] + lengths[i] - 1, flags, sizeof flags));
            assert_non_null(strstr(flags, " dd"));
        }
        snap_buffer_free(buffers[0]);
        snap_buffer_free(buffers[1]);
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
        cmocka_unit_test(test_not_dumped),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

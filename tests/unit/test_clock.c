/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The clock of the system runs forward, and a sleep lasts as long as was asked. */
#include "lib/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t now_ns(void)
{
    return snap_clock_system.now_ns(snap_clock_system.context);
}

static void test_sleep_takes_its_time(void **state)
{
    const uint64_t start_ns = now_ns();

    (void)state;
    snap_clock_system.sleep_ns(snap_clock_system.context, 20000000);
    assert_true(now_ns() - start_ns >= 20000000);
}

/* More than a second: both fields of the system's structure are used. */
static void test_sleep_longer_than_a_second(void **state)
{
    const uint64_t start_ns = now_ns();

    (void)state;
    snap_clock_system.sleep_ns(snap_clock_system.context, 1010000000);
    assert_true(now_ns() - start_ns >= 1010000000);
}

static void test_never_backwards(void **state)
{
    uint64_t last_ns = now_ns();

    (void)state;
    for (int i = 0; i < 1000; i++) {
        const uint64_t this_ns = now_ns();

        assert_true(this_ns >= last_ns);
        last_ns = this_ns;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sleep_takes_its_time),
        cmocka_unit_test(test_sleep_longer_than_a_second),
        cmocka_unit_test(test_never_backwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

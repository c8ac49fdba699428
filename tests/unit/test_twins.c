/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is no device-mapper device has no twins; tests/kernel/guard.bats has the others. */
#include "lib/device/twins.h"

#include "tests/unit/unit.h"

#include <stdbool.h>

static void what_is_no_dm_device_has_no_twins(void **state)
{
    const struct snap_device file = {.file_inode = 5}, disk = {.block_device = true, .device_number = 0x801},
                             gone = {.block_device = true, .device_number = 0xfd00fff, .dm_name = "gone"};
    const struct snap_device *devices[] = {&file, &disk, &gone};
    struct snap_error err = {.text = ""};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct snap_twins twins = {.count = 7};

        assert_ok(snap_twins_find(devices[i], &twins, &err), &err);
        assert_int_equal(twins.count, 0);
        snap_twins_free(&twins);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_no_dm_device_has_no_twins)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

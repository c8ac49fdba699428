/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is answered where the kernel has no device-mapper; tests/kernel/system.bats reads the tables of one that has. */
#include "config.h"

#include "lib/device/dm_tables.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void without_device_mapper_it_says_so(void **state)
{
    struct snap_dm_tables tables = {.count = 7};
    struct snap_error err = {.status = SNAP_OK};
    struct stat st;
    const bool had_dir = stat("/dev/mapper", &st) == 0;

    (void)state;
#ifndef HAVE_LIBDEVMAPPER
    assert_status(snap_dm_tables_read(0, &tables, &err), SNAP_E_UNSUPPORTED, &err);
    assert_false(snap_dm_tables_available());
#else
    if (snap_dm_tables_available()) {
        print_message("skipped: this kernel has device-mapper\n");
        skip();
    }
    assert_status(snap_dm_tables_read(SNAP_DM_TABLES_STATUS, &tables, &err), SNAP_E_NOENT, &err);
    assert_string_equal(err.text, "this kernel has no device-mapper");
#endif
    assert_int_equal(tables.count, 0);
    assert_null(tables.devices);
    snap_dm_tables_free(&tables);
    tables.count = 7;
    assert_int_not_equal(snap_dm_tables_read_one(0x801, 0, &tables, &err), SNAP_OK);
    assert_int_equal(tables.count, 0);
    snap_dm_tables_free(&tables);
    assert_int_equal(stat("/dev/mapper", &st) == 0, had_dir); /* asking makes no nodes */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(without_device_mapper_it_says_so)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names for device-mapper, and what is answered where there is none; tests/kernel/activate.bats loads tables. */
#include "lib/device/dm_load.h"

#include "lib/device/dm_tables.h"

#include "tests/unit/unit.h"

#include <string.h>

static void names(void **state)
{
    static const char *const good[] = {"a", "snap-1", "#+-.:=@_", "...", "controls", "x.y:z=1@2"};
    static const char *const bad[] = {"", ".", "..", "control", "a/b", "a b", "a\tb", "\xc3\xa4", "-r", "a\\x20b",
                                      "a~"};
    char longest[129];

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_int_equal(snap_dm_load_check_name(good[i], NULL), SNAP_OK);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(snap_dm_load_check_name(bad[i], NULL), SNAP_E_USAGE);
    memset(longest, 'x', sizeof longest);
    longest[127] = '\0';
    assert_int_equal(snap_dm_load_check_name(longest, NULL), SNAP_OK);
    longest[127] = 'x';
    longest[128] = '\0';
    assert_int_equal(snap_dm_load_check_name(longest, NULL), SNAP_E_USAGE);
}

static void nodes(void **state)
{
    char longest[128], expected[4 * 127 + 16] = "/dev/mapper/";

    (void)state;
    assert_string_equal(snap_dm_load_node("snap-1").path, "/dev/mapper/snap-1");
    assert_string_equal(snap_dm_load_node("my base").path, "/dev/mapper/my\\x20base");
    assert_string_equal(snap_dm_load_node("\xc3\xa4'\\").path, "/dev/mapper/\\xc3\\xa4\\x27\\x5c");
    memset(longest, ' ', sizeof longest);
    longest[127] = '\0';
    for (size_t i = 0; i < 127; i++)
        memcpy(expected + strlen("/dev/mapper/") + 4 * i, "\\x20", sizeof "\\x20");
    assert_string_equal(snap_dm_load_node(longest).path, expected);
}

static void without_device_mapper_nothing_is_loaded(void **state)
{
    const struct snap_dm_load_table table = {.sectors = 8, .type = "linear", .params = "8:1 0"};
    struct snap_error err = {.status = SNAP_OK};
    uint64_t number = 7;
    unsigned count = 7;
    char taken[128];

    (void)state;
    if (snap_dm_tables_available()) {
        print_message("skipped: this kernel has device-mapper\n");
        skip();
    }
    assert_status(snap_dm_load_possible(&err), SNAP_E_UNSUPPORTED, &err);
    assert_status(snap_dm_load_free("x", "", taken, &err), SNAP_E_UNSUPPORTED, &err);
    assert_status(snap_dm_load_free("a/b", "", taken, &err), SNAP_E_USAGE, &err);
    assert_status(snap_dm_load_create("x", "", &table, &number, &err), SNAP_E_UNSUPPORTED, &err);
    assert_int_equal(number, 0);
    assert_status(snap_dm_load_reload(1, &table, &err), SNAP_E_UNSUPPORTED, &err);
    assert_status(snap_dm_load_clear(1, &err), SNAP_E_UNSUPPORTED, &err);
    assert_status(snap_dm_load_suspend(1, &err), SNAP_E_UNSUPPORTED, &err);
    assert_status(snap_dm_load_resume(1, &err), SNAP_E_UNSUPPORTED, &err);
    assert_status(snap_dm_load_remove(1, &err), SNAP_E_UNSUPPORTED, &err);
    assert_status(snap_dm_load_open_count(1, &count, &err), SNAP_E_UNSUPPORTED, &err);
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(nodes),
        cmocka_unit_test(without_device_mapper_nothing_is_loaded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

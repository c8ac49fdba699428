/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests the table lines for dmsetup. */
#include "lib/store/table_line.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static enum snap_status table(enum snap_table_target target, const char *origin, const char *cow, char *text,
                              uint64_t text_bytes, struct snap_error *err)
{
    return snap_table_line(target, 204800, origin, cow, SNAP_TABLE_INVALIDATES, 8, text, text_bytes, err);
}

static void snapshot_line(void **state)
{
    char text[128];

    (void)state;
    assert_int_equal(table(SNAP_TABLE_SNAPSHOT, "/dev/sda1", "/dev/loop0", text, sizeof text, NULL), SNAP_OK);
    assert_string_equal(text, "0 204800 snapshot /dev/sda1 /dev/loop0 P 8");
}

static void overflow_mode_line(void **state)
{
    char text[128];

    (void)state;
    assert_int_equal(snap_table_line(SNAP_TABLE_SNAPSHOT, 1, "8:1", "7:0", SNAP_TABLE_FAILS_WRITES, 2097152, text,
                                     sizeof text, NULL), SNAP_OK);
    assert_string_equal(text, "0 1 snapshot 8:1 7:0 PO 2097152");
}

static void merge_line(void **state)
{
    char text[128];

    (void)state;
    assert_int_equal(table(SNAP_TABLE_SNAPSHOT_MERGE, "/dev/sda1", "/dev/loop0", text, sizeof text, NULL), SNAP_OK);
    assert_string_equal(text, "0 204800 snapshot-merge /dev/sda1 /dev/loop0 P 8");
}

static void origin_line_ignores_store_and_chunk(void **state)
{
    char text[128];

    (void)state;
    assert_int_equal(snap_table_line(SNAP_TABLE_SNAPSHOT_ORIGIN, UINT64_MAX, "/dev/sda1", NULL, SNAP_TABLE_TRANSIENT,
                                     3, text, sizeof text, NULL), SNAP_OK);
    assert_string_equal(text, "0 18446744073709551615 snapshot-origin /dev/sda1");
}

static void text_must_fit_with_its_end(void **state)
{
    const char *line = "0 204800 snapshot /a /b P 8";
    struct snap_error err;
    char text[64];

    (void)state;
    assert_int_equal(table(SNAP_TABLE_SNAPSHOT, "/a", "/b", text, strlen(line) + 1, NULL), SNAP_OK);
    assert_string_equal(text, line);
    assert_int_equal(table(SNAP_TABLE_SNAPSHOT, "/a", "/b", text, strlen(line), &err), SNAP_E_USAGE);
    assert_string_equal(text, "");
    assert_non_null(strstr(err.text, "does not fit"));
    memset(text, 'x', sizeof text);
    assert_int_equal(table(SNAP_TABLE_SNAPSHOT, "/a", "/b", text, 0, &err), SNAP_E_USAGE);
    assert_int_equal(text[0], 'x');
}

static void paths_that_a_table_cannot_carry(void **state)
{
    static const char *const bad[] = {"", "/a b", "/a\tb", "/a\nb", "/a\vb", "/a\fb", "/a\rb", " /a", "/a ",
                                      "/a\\x20b"};
    struct snap_error err;
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(table(SNAP_TABLE_SNAPSHOT, bad[i], "/b", text, sizeof text, &err), SNAP_E_USAGE);
        assert_non_null(strstr(err.text, "origin"));
        assert_int_equal(table(SNAP_TABLE_SNAPSHOT, "/a", bad[i], text, sizeof text, &err), SNAP_E_USAGE);
        assert_non_null(strstr(err.text, "COW store"));
        assert_int_equal(table(SNAP_TABLE_SNAPSHOT_ORIGIN, bad[i], NULL, text, sizeof text, &err), SNAP_E_USAGE);
    }
    assert_int_equal(table(SNAP_TABLE_SNAPSHOT, NULL, "/b", text, sizeof text, &err), SNAP_E_USAGE);
    assert_int_equal(table(SNAP_TABLE_SNAPSHOT_MERGE, "/a", NULL, text, sizeof text, &err), SNAP_E_USAGE);
}

static void numbers_that_the_kernel_refuses(void **state)
{
    static const uint32_t bad[] = {0, 3, 12, 2097153, 4194304};
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(snap_table_line(SNAP_TABLE_SNAPSHOT, 8, "/a", "/b", SNAP_TABLE_INVALIDATES, bad[i], text,
                                         sizeof text, NULL),
                         SNAP_E_USAGE);
    assert_int_equal(snap_table_line(SNAP_TABLE_SNAPSHOT, 0, "/a", "/b", SNAP_TABLE_INVALIDATES, 8, text,
                                     sizeof text, NULL),
                     SNAP_E_USAGE);
    assert_int_equal(snap_table_line(SNAP_TABLE_SNAPSHOT_ORIGIN, 0, "/a", NULL, SNAP_TABLE_INVALIDATES, 8, text,
                                     sizeof text, NULL),
                     SNAP_E_USAGE);
}

static void transient_line_and_no_merge_of_it(void **state)
{
    char text[64];

    (void)state;
    assert_int_equal(snap_table_line(SNAP_TABLE_SNAPSHOT, 8, "/a", "/b", SNAP_TABLE_TRANSIENT, 8, text, sizeof text,
                                     NULL), SNAP_OK);
    assert_string_equal(text, "0 8 snapshot /a /b N 8");
    assert_int_equal(snap_table_line(SNAP_TABLE_SNAPSHOT_MERGE, 8, "/a", "/b", SNAP_TABLE_TRANSIENT, 8, text,
                                     sizeof text, NULL), SNAP_E_USAGE);
    assert_string_equal(text, "");
}

static void parameters_of_a_line(void **state)
{
    (void)state;
    assert_string_equal(snap_table_line_params("0 204800 snapshot 8:1 7:0 P 8"), "8:1 7:0 P 8");
    assert_string_equal(snap_table_line_params("0 8 snapshot-origin 8:1"), "8:1");
    assert_string_equal(snap_table_line_params("0 8 error"), "");
    assert_string_equal(snap_table_line_params(""), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_line),
        cmocka_unit_test(overflow_mode_line),
        cmocka_unit_test(merge_line),
        cmocka_unit_test(parameters_of_a_line),
        cmocka_unit_test(transient_line_and_no_merge_of_it),
        cmocka_unit_test(origin_line_ignores_store_and_chunk),
        cmocka_unit_test(text_must_fit_with_its_end),
        cmocka_unit_test(paths_that_a_table_cannot_carry),
        cmocka_unit_test(numbers_that_the_kernel_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

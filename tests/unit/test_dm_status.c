/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Table and status lines as the kernel writes them are read; all others are refused, whatever they are. */
#include "lib/device/dm_status.h"

#include "tests/unit/unit.h"

#include <stdbool.h>
#include <string.h>
#include <sys/sysmacros.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void each_status_is_read(void **state)
{
    static const struct {
        const char *text;
        struct snap_dm_status expected;
        bool merged;
    } rows[] = {
        {"16/800 16", {SNAP_DM_STATUS_FIGURES, 16, 800, 16, true}, true},
        {"24/800 16", {SNAP_DM_STATUS_FIGURES, 24, 800, 16, true}, false},
        {"0/800", {SNAP_DM_STATUS_FIGURES, 0, 800, 0, false}, false},
        {"0/800 0 ", {SNAP_DM_STATUS_FIGURES, 0, 800, 0, true}, true},
        {"18446744073709551608/800 16", {SNAP_DM_STATUS_FIGURES, 18446744073709551608u, 800, 16, true}, false},
        {"18446744073709551615/18446744073709551615 18446744073709551615",
         {SNAP_DM_STATUS_FIGURES, UINT64_MAX, UINT64_MAX, UINT64_MAX, true}, true},
        {"Invalid", {SNAP_DM_STATUS_INVALID, 0, 0, 0, false}, false},
        {"Overflow", {SNAP_DM_STATUS_OVERFLOW, 0, 0, 0, false}, false},
        {"Merge failed", {SNAP_DM_STATUS_MERGE_FAILED, 0, 0, 0, false}, false},
        {"Unknown\n", {SNAP_DM_STATUS_UNKNOWN, 0, 0, 0, false}, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct snap_dm_status got;

        if (!snap_dm_status_parse(rows[i].text, &got))
            fail_msg("\"%s\" is refused", rows[i].text);
        assert_int_equal(got.state, rows[i].expected.state);
        assert_true(got.allocated_sectors == rows[i].expected.allocated_sectors);
        assert_true(got.total_sectors == rows[i].expected.total_sectors);
        assert_true(got.metadata_sectors == rows[i].expected.metadata_sectors);
        assert_int_equal(got.metadata_known, rows[i].expected.metadata_known);
        assert_int_equal(snap_dm_status_merged(&got), rows[i].merged);
    }
}

static void other_texts_are_no_status(void **state)
{
    static const char *const texts[] = {
        "", " ", "16", "16/", "/800", "/", "16/800 ", "16/800 16 16", "16/800 x", "16/800x 16", " 16/800 16",
        "16 /800 16", "16/ 800 16", "-16/800 16", "+16/800 16", "0x10/800 16", "16/800  16", "16/800\t16",
        "18446744073709551616/800 16", "16/18446744073709551616 16", "16/800 18446744073709551616",
        "99999999999999999999999999/1 1", "invalid", "Invalid 1", "Invalidated", "Merge", "Merge failed now", "Over",
        "Overflow/1 1", "Error", "\x80/1 1", "16/800 16;", "16,5/800 16",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct snap_dm_status got;
        const bool blank_behind = strcmp(texts[i], "16/800 ") == 0; /* two figures, and a blank at the end */

        if (snap_dm_status_parse(texts[i], &got) != blank_behind)
            fail_msg("\"%s\" is %s", texts[i], blank_behind ? "refused" : "taken for a status");
    }
}

static void each_table_is_read(void **state)
{
    static const struct {
        const char *params;
        enum snap_dm_status_persistence persistence;
        const char *name;
        uint64_t chunk_sectors;
        bool zeroes, passdown;
    } rows[] = {
        {"253:0 253:1 P 8", SNAP_DM_STATUS_P, "P", 8, false, false},
        {"253:0 253:1 PO 1024 ", SNAP_DM_STATUS_PO, "PO", 1024, false, false},
        {"253:0 253:1 N 16", SNAP_DM_STATUS_N, "N", 16, false, false},
        {"253:0 253:1 P 0", SNAP_DM_STATUS_P, "P", 0, false, false},
        {"253:0 253:1 N 8 1 discard_zeroes_cow", SNAP_DM_STATUS_N, "N", 8, true, false},
        {"253:0 253:1 P 8 2 discard_zeroes_cow discard_passdown_origin", SNAP_DM_STATUS_P, "P", 8, true, true},
        {"253:0 253:1 P 8 1 something_new", SNAP_DM_STATUS_P, "P", 8, false, false},
        {"253:0 253:1 P 8 0", SNAP_DM_STATUS_P, "P", 8, false, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct snap_dm_status_table got;

        if (!snap_dm_status_table(rows[i].params, &got))
            fail_msg("\"%s\" is refused", rows[i].params);
        assert_true(got.origin_number == makedev(253, 0));
        assert_true(got.cow_number == makedev(253, 1));
        assert_int_equal(got.persistence, rows[i].persistence);
        assert_string_equal(snap_dm_status_persistence_name(got.persistence), rows[i].name);
        assert_true(got.chunk_sectors == rows[i].chunk_sectors);
        assert_int_equal(got.discard_zeroes_cow, rows[i].zeroes);
        assert_int_equal(got.discard_passdown_origin, rows[i].passdown);
    }
}

static void other_texts_are_no_table(void **state)
{
    static const char *const texts[] = {
        "", "253:0", "253:0 253:1", "253:0 253:1 P", "253:0 253:1 P ", "253:0 253:1 X 8", "253:0 253:1 PP 8",
        "253:0 253:1 POO 8", "253:0 253:1 p 8", "253:0 253:1  8", "253 253:1 P 8", "253:0 253: P 8", "a:0 253:1 P 8",
        "253:0 253:1 P -8", "253:0 253:1 P 18446744073709551616", "4096:0 253:1 P 8", "253:0 253:1048576 P 8",
        "18446744073709551616:0 253:1 P 8", "253:0 253:1 P 8 x", "253:0 253:1 P 8 1", "253:0 253:1 P 8 1 ",
        "253:0 253:1 P 8 2 discard_zeroes_cow", "253:0 253:1 P 8 1 discard_zeroes_cow more",
        "253:0 253:1 P 8 18446744073709551615 discard_zeroes_cow", " 253:0 253:1 P 8", "253:0  253:1 P 8",
        "/dev/sda /dev/sdb P 8", "253:0 253:1 P 8\t",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct snap_dm_status_table got;

        if (snap_dm_status_table(texts[i], &got))
            fail_msg("\"%s\" is taken for a table", texts[i]);
    }
}

static void an_origin_is_one_device(void **state)
{
    static const char *const texts[] = {"", "8", "8:", ":1", "8:1 8:2", "8:1x", " 8:1", "4096:1", "8:1048576"};
    uint64_t number = 0;

    (void)state;
    assert_true(snap_dm_status_origin("8:17", &number));
    assert_true(number == makedev(8, 17));
    assert_true(snap_dm_status_origin("4095:1048575 ", &number));
    assert_true(number == makedev(4095, 1048575));
    for (size_t i = 0; i < COUNT(texts); i++) {
        if (snap_dm_status_origin(texts[i], &number))
            fail_msg("\"%s\" is taken for an origin", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_is_read),
        cmocka_unit_test(other_texts_are_no_status),
        cmocka_unit_test(each_table_is_read),
        cmocka_unit_test(other_texts_are_no_table),
        cmocka_unit_test(an_origin_is_one_device),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tests table lines, and what is answered where the kernel has no device-mapper. */
#include "dm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static enum snap_status table(enum snap_dm_target target, const char *origin, const char *cow, char *text,
                              uint64_t text_bytes, struct snap_error *err)
{
    return snap_dm_table(target, 204800, origin, cow, false, 8, text, text_bytes, err);
}

static void snapshot_line(void **state)
{
    char text[128];

    (void)state;
    assert_int_equal(table(SNAP_DM_SNAPSHOT, "/dev/sda1", "/dev/loop0", text, sizeof text, NULL), SNAP_OK);
    assert_string_equal(text, "0 204800 snapshot /dev/sda1 /dev/loop0 P 8");
}

static void overflow_mode_line(void **state)
{
    char text[128];

    (void)state;
    assert_int_equal(snap_dm_table(SNAP_DM_SNAPSHOT, 1, "8:1", "7:0", true, 2097152, text, sizeof text, NULL), SNAP_OK);
    assert_string_equal(text, "0 1 snapshot 8:1 7:0 PO 2097152");
}

static void merge_line(void **state)
{
    char text[128];

    (void)state;
    assert_int_equal(table(SNAP_DM_SNAPSHOT_MERGE, "/dev/sda1", "/dev/loop0", text, sizeof text, NULL), SNAP_OK);
    assert_string_equal(text, "0 204800 snapshot-merge /dev/sda1 /dev/loop0 P 8");
}

static void origin_line_ignores_store_and_chunk(void **state)
{
    char text[128];

    (void)state;
    assert_int_equal(snap_dm_table(SNAP_DM_SNAPSHOT_ORIGIN, UINT64_MAX, "/dev/sda1", NULL, true, 3, text, sizeof text,
                                   NULL), SNAP_OK);
    assert_string_equal(text, "0 18446744073709551615 snapshot-origin /dev/sda1");
}

static void text_must_fit_with_its_end(void **state)
{
    const char *line = "0 204800 snapshot /a /b P 8";
    struct snap_error err;
    char text[64];

    (void)state;
    assert_int_equal(table(SNAP_DM_SNAPSHOT, "/a", "/b", text, strlen(line) + 1, NULL), SNAP_OK);
    assert_string_equal(text, line);
    assert_int_equal(table(SNAP_DM_SNAPSHOT, "/a", "/b", text, strlen(line), &err), SNAP_E_USAGE);
    assert_string_equal(text, "");
    assert_non_null(strstr(err.text, "does not fit"));
    memset(text, 'x', sizeof text);
    assert_int_equal(table(SNAP_DM_SNAPSHOT, "/a", "/b", text, 0, &err), SNAP_E_USAGE);
    assert_int_equal(text[0], 'x');
}

static void paths_that_a_table_cannot_carry(void **state)
{
    static const char *const bad[] = {"", "/a b", "/a\tb", "/a\nb", "/a\vb", "/a\fb", "/a\rb", " /a", "/a ", "/a\\x20b"};
    struct snap_error err;
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(table(SNAP_DM_SNAPSHOT, bad[i], "/b", text, sizeof text, &err), SNAP_E_USAGE);
        assert_non_null(strstr(err.text, "origin"));
        assert_int_equal(table(SNAP_DM_SNAPSHOT, "/a", bad[i], text, sizeof text, &err), SNAP_E_USAGE);
        assert_non_null(strstr(err.text, "COW store"));
        assert_int_equal(table(SNAP_DM_SNAPSHOT_ORIGIN, bad[i], NULL, text, sizeof text, &err), SNAP_E_USAGE);
    }
    assert_int_equal(table(SNAP_DM_SNAPSHOT, NULL, "/b", text, sizeof text, &err), SNAP_E_USAGE);
    assert_int_equal(table(SNAP_DM_SNAPSHOT_MERGE, "/a", NULL, text, sizeof text, &err), SNAP_E_USAGE);
}

static void numbers_that_the_kernel_refuses(void **state)
{
    static const uint32_t bad[] = {0, 3, 12, 2097153, 4194304};
    char text[64];

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(snap_dm_table(SNAP_DM_SNAPSHOT, 8, "/a", "/b", false, bad[i], text, sizeof text, NULL),
                         SNAP_E_USAGE);
    assert_int_equal(snap_dm_table(SNAP_DM_SNAPSHOT, 0, "/a", "/b", false, 8, text, sizeof text, NULL), SNAP_E_USAGE);
    assert_int_equal(snap_dm_table(SNAP_DM_SNAPSHOT_ORIGIN, 0, "/a", NULL, false, 8, text, sizeof text, NULL),
                     SNAP_E_USAGE);
}

static enum snap_status never(void *context, const struct snap_dm_user *user, struct snap_error *err)
{
    (void)context;
    return snap_fail(err, SNAP_E_INTERNAL, "called for %s", user->name);
}

static void without_device_mapper_nobody_uses_anything(void **state)
{
    struct snap_error err = {.status = SNAP_OK};
    struct stat st;
    bool had_dir = stat("/dev/mapper", &st) == 0;

    (void)state;
    if (snap_dm_available()) {
        print_message("skipped: this kernel has device-mapper\n");
        skip();
    }
    assert_int_equal(snap_dm_users(0x801, never, NULL, &err), SNAP_OK);
    assert_int_equal(err.status, SNAP_OK);
    assert_int_equal(stat("/dev/mapper", &st) == 0, had_dir); /* asking makes no nodes */
}

static void availability_is_what_the_kernel_registered(void **state)
{
    char line[128];
    bool registered = false;
    bool available = snap_dm_available(); /* first: it may load the module */
    FILE *misc = fopen("/proc/misc", "re");

    (void)state;
    assert_non_null(misc);
    while (fgets(line, sizeof line, misc))
        registered |= strstr(line, " device-mapper\n") != NULL;
    assert_int_equal(fclose(misc), 0);
    assert_int_equal(available, registered && access("/dev/mapper/control", F_OK) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(snapshot_line),
        cmocka_unit_test(overflow_mode_line),
        cmocka_unit_test(merge_line),
        cmocka_unit_test(origin_line_ignores_store_and_chunk),
        cmocka_unit_test(text_must_fit_with_its_end),
        cmocka_unit_test(paths_that_a_table_cannot_carry),
        cmocka_unit_test(numbers_that_the_kernel_refuses),
        cmocka_unit_test(without_device_mapper_nobody_uses_anything),
        cmocka_unit_test(availability_is_what_the_kernel_registered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

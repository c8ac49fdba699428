/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Small files are read as sysfs writes them, in a folder that looks like it. */
#include "lib/base/sysfs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/test_sysfs_XXXXXX";

static void in_root(const char *command)
{
    char line[512];

    (void)snprintf(line, sizeof line, "cd %s && %s", root, command);
    assert_int_equal(system(line), 0);
}

static void put(const char *name, const char *content)
{
    char path[256];
    FILE *file;

    (void)snprintf(path, sizeof path, "%s/%s", root, name);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(content, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void expect_line(const char *content, const char *line, const char *path)
{
    char text[16];

    put("file", content);
    assert_int_equal(snap_sysfs_line(text, sizeof text, "%s/%s", root, "file"), line[0] != '\0');
    assert_string_equal(text, line);
    assert_int_equal(snap_sysfs_path(text, sizeof text, "%s/%s", root, "file"), path[0] != '\0');
    assert_string_equal(text, path);
}

static void test_one_line(void **state)
{
    (void)state;
    expect_line("1\n", "1", "1");
    expect_line("no newline", "no newline", "no newline");
    expect_line("first\nsecond\n", "first", "first");
    expect_line("  a b  \n", "a b", "  a b  "); /* serial numbers are padded; a name may begin and end with blanks */
    expect_line("", "", "");
    expect_line("\nsecond\n", "", "");
    expect_line("   \n", "", "   ");
    expect_line("0123456789abcdefgh\n", "0123456789abcde", "0123456789abcde");
    expect_line("                    0123\n", "0123", "               ");
}

static void test_no_file(void **state)
{
    char text[16] = "x";

    (void)state;
    assert_false(snap_sysfs_line(text, sizeof text, "%s/none", root));
    assert_string_equal(text, "");
    (void)snprintf(text, sizeof text, "x");
    assert_false(snap_sysfs_path(text, sizeof text, "%s/none", root));
    assert_string_equal(text, "");
    assert_false(snap_sysfs_line(text, sizeof text, "%s/%5000s", root, "too long for a path"));
    assert_false(snap_sysfs_line(text, sizeof text, "%s", root)); /* a folder */
}

static void test_device_number(void **state)
{
    uint64_t number = 1;

    (void)state;
    assert_true(snap_sysfs_device_number("8:17", &number));
    assert_true(number == makedev(8, 17));
    assert_true(snap_sysfs_device_number("259:1048575", &number));
    assert_true(number == makedev(259, 1048575));
    assert_false(snap_sysfs_device_number("", &number));
    assert_false(snap_sysfs_device_number("8", &number));
    assert_false(snap_sysfs_device_number("sda1", &number));
    assert_true(number == makedev(259, 1048575));
}

static void test_rotational(void **state)
{
    (void)state;
    in_root("mkdir -p sys/dev/block sys/devices/sda/queue sys/devices/sda/sda1 sys/devices/nvme/queue && "
            "ln -s ../../devices/sda sys/dev/block/8:0 && ln -s ../../devices/sda/sda1 sys/dev/block/8:1 && "
            "ln -s ../../devices/nvme sys/dev/block/259:0");
    put("sys/devices/sda/queue/rotational", "1\n");
    put("sys/devices/nvme/queue/rotational", "0\n");
    assert_true(snap_sysfs_rotational(root, makedev(8, 0)));
    assert_true(snap_sysfs_rotational(root, makedev(8, 1))); /* the disk's queue */
    assert_false(snap_sysfs_rotational(root, makedev(259, 0)));
    assert_false(snap_sysfs_rotational(root, makedev(7, 0)));
}

static int make_root(void **state)
{
    (void)state;
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state)
{
    char line[64];

    (void)state;
    (void)snprintf(line, sizeof line, "rm -rf %s", root);
    return system(line);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_line),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_device_number),
        cmocka_unit_test(test_rotational),
    };

    return cmocka_run_group_tests(tests, make_root, remove_root);
}

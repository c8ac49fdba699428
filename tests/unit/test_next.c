/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Holds the hint what to do with a new content to its promise: the right command for each type, or none. */
#include "tools/shared/next.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* What is said of the content on the device; empty where nothing is. */
static void assert_hint_of(const struct snap_probe *content, const struct snap_device *facts, bool nameless,
                           const char *expected)
{
    const struct cli_program program = {.name = "p"};
    char path[] = "dev", *said = NULL;
    size_t length = 0;
    struct cli cli = {.program = &program, .err = open_memstream(&said, &length)};
    const struct device device = {.path = path, .facts = *facts, .nameless = nameless};

    assert_non_null(cli.err);
    next_use(&cli, content, &device);
    assert_int_equal(fclose(cli.err), 0);
    assert_string_equal(said, expected);
    free(said);
}

static void a_volume_is_checked_once_it_is_active(void **state)
{
    const struct cli_program program = {.name = "p"};
    struct snap_probe content = {.type = "ext4", .usage = "filesystem"};
    char path[] = "lvm:vg/lv", *said = NULL;
    size_t length = 0;
    struct cli cli = {.program = &program, .err = open_memstream(&said, &length)};
    struct snap_device part = {.block_device = true};
    const struct device device = {.path = path, .parts = &part, .part_count = 1};

    (void)state;
    assert_non_null(cli.err);
    next_use(&cli, &content, &device);
    assert_int_equal(fclose(cli.err), 0);
    assert_string_equal(said, "p: next: once its group is active, check the ext4 file system on /dev/vg/lv before it "
                        "is used: e2fsck -f /dev/vg/lv\n");
    free(said);
}

static void assert_hint(const struct snap_probe *content, const struct snap_device *facts, const char *expected)
{
    assert_hint_of(content, facts, false, expected);
}

static void assert_type(const char *type, const char *usage, const char *expected)
{
    const struct snap_device image = {.block_device = false};
    struct snap_probe content = {.type = ""};

    (void)snprintf(content.type, sizeof content.type, "%s", type);
    (void)snprintf(content.usage, sizeof content.usage, "%s", usage);
    assert_hint(&content, &image, expected);
}

static void each_file_system_has_its_own_check(void **state)
{
    (void)state;
    assert_type("ext4", "filesystem",
                "p: next: check the ext4 file system on dev before it is used: e2fsck -f dev\n");
    assert_type("xfs", "filesystem",
                "p: next: check the xfs file system on dev before it is used: xfs_repair -n dev\n");
    assert_type("btrfs", "filesystem",
                "p: next: check the btrfs file system on dev before it is used: btrfs check dev\n");
    assert_type("vfat", "filesystem",
                "p: next: check the vfat file system on dev before it is used: fsck.fat -n dev\n");
    assert_type("ntfs", "filesystem",
                "p: next: check the ntfs file system on dev before it is used: ntfsfix -n dev\n");
    assert_type("squashfs", "filesystem", "p: next: check the squashfs file system on dev before it is used\n");
}

static void what_is_no_file_system_has_none(void **state)
{
    (void)state;
    assert_type("LVM2_member", "raid", "");
    assert_type("linux_raid_member", "raid", "");
    assert_type("crypto_LUKS", "crypto", "");
    assert_type("swap", "other", "");
    assert_type("", "", "");
}

/* What has its name is something else by now. */
static void a_device_without_a_name_gets_none(void **state)
{
    const struct snap_probe disk = {.pttype = "gpt"}, files = {.type = "ext4", .usage = "filesystem"};
    const struct snap_device image = {.block_device = false};

    (void)state;
    assert_hint_of(&disk, &image, true, "");
    assert_hint_of(&files, &image, true, "");
}

static void partitions_are_reached_as_the_device_needs_it(void **state)
{
    const struct snap_probe disk = {.pttype = "gpt"};

    (void)state;
    assert_hint(&disk, &(struct snap_device){.block_device = false},
                "p: next: to reach the partitions in this image: losetup --find --show --partscan dev\n");
    assert_hint(&disk, &(struct snap_device){.block_device = true},
                "p: next: let the kernel read the partition table again: blockdev --rereadpt dev\n");
    assert_hint(&disk, &(struct snap_device){.block_device = true, .is_loop = true},
                "p: next: let the kernel read the partition table again: partx -u dev\n");
    assert_hint(&disk, &(struct snap_device){.block_device = true, .dm_name = "vg-disk"},
                "p: next: let its partitions be made again: kpartx -u dev\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_volume_is_checked_once_it_is_active),
        cmocka_unit_test(each_file_system_has_its_own_check),
        cmocka_unit_test(what_is_no_file_system_has_none),
        cmocka_unit_test(a_device_without_a_name_gets_none),
        cmocka_unit_test(partitions_are_reached_as_the_device_needs_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

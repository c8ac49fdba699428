/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names the check that fits what was found. */
#include "tools/shared/next.h"

#include "tools/shared/report.h"

#include <stdio.h>
#include <string.h>

/* Checks that change nothing, but for e2fsck, which asks. Of other file systems no check is known that fits. */
static const char *command_for(const char *type)
{
    static const struct {
        const char *type, *command;
    } checks[] = {
        {"ext2", "e2fsck -f"},        {"ext3", "e2fsck -f"},   {"ext4", "e2fsck -f"},    {"ext4dev", "e2fsck -f"},
        {"xfs", "xfs_repair -n"},     {"btrfs", "btrfs check"}, {"vfat", "fsck.fat -n"}, {"ntfs", "ntfsfix -n"},
        {"exfat", "fsck.exfat -n"},   {"jfs", "fsck.jfs -n"},
    };

    for (size_t i = 0; i < sizeof checks / sizeof checks[0]; i++)
        if (strcmp(checks[i].type, type) == 0)
            return checks[i].command;
    return NULL;
}

/* The kernel keeps what it has read of a partition table; how it is told depends on what the device is. */
static void use_partitions(struct cli *cli, const struct device *device)
{
    const struct cli_quoted word = cli_quote(device->path);
    const struct snap_device *facts = &device->facts;

    if (!facts->block_device)
        cli_note(cli, "next: to reach the partitions in this image: losetup --find --show --partscan %s", word.text);
    else if (facts->dm_name[0] != '\0')
        cli_note(cli, "next: let its partitions be made again: kpartx -u %s", word.text);
    else
        cli_note(cli, "next: let the kernel read the partition table again: %s %s",
                 facts->is_loop ? "partx -u" : "blockdev --rereadpt", word.text);
}

/* A volume of LVM has a device only while it is active. */
static void use_volume(struct cli *cli, const struct snap_probe *content, const char *command, const char *path)
{
    const char *volume = path + strlen(DEVICES_LVM);
    char node[300];

    if (strcmp(content->usage, "filesystem") != 0 || content->pttype[0] != '\0')
        return;
    (void)snprintf(node, sizeof node, "/dev/%s", volume);
    cli_note(cli, "next: once its group is active, check the %s file system on %s before it is used%s%s%s%s",
             report_word("", content->type).text, node, command ? ": " : "", command ? command : "",
             command ? " " : "", command ? cli_quote(node).text : "");
}

void next_use(struct cli *cli, const struct snap_probe *content, const struct device *device)
{
    const char *command = command_for(content->type);

    if (device->nameless)
        return; /* that has been said; what has its name is something else */
    if (device->part_count > 0) {
        use_volume(cli, content, command, device->path);
        return;
    }
    if (content->pttype[0] != '\0')
        use_partitions(cli, device);
    else if (strcmp(content->usage, "filesystem") == 0) /* members, LUKS, swap: there is nothing to check */
        cli_note(cli, "next: check the %s file system on %s before it is used%s%s%s%s",
                 report_word("", content->type).text, device->path,
                 command ? ": " : "", command ? command : "", command ? " " : "",
                 command ? cli_quote(device->path).text : "");
}

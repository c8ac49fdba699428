/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices a device or folder stands on: through device-mapper and md, and loop devices over files. */
#include "lib/base/sysfs.h"
#include "lib/device/device_private.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sysmacros.h>

#define DEPTH_MAX 16 /* deeper stacks are not built */

static struct snap_device device_at(const char *sys_root, uint64_t number)
{
    struct snap_device device = {.block_device = true, .device_number = number, .disk_number = number};

    snap_device_read_sysfs(sys_root, &device);
    snap_device_describe_loop(-1, &device);
    return device;
}

bool snap_device_of_folder(uint64_t folder_device, struct snap_device *device)
{
    char path[64];

    if (major(folder_device) == 0) /* no number of a device, but one made up */
        return false;
    (void)snprintf(path, sizeof path, "/dev/block/%u:%u", major(folder_device), minor(folder_device));
    if (snap_device_describe(path, device, NULL) != SNAP_OK || !device->block_device ||
        device->device_number != folder_device)
        *device = device_at("", folder_device);
    return true;
}

static bool stands_on(const char *sys_root, const struct snap_device *upper, const struct snap_device *lower,
                      unsigned depth);

/* The devices that the one with this number is made of. */
static bool slave_stands_on(const char *sys_root, uint64_t number, const struct snap_device *lower, unsigned depth)
{
    char path[PATH_MAX / 2], text[64];
    const struct dirent *entry;
    bool found = false;
    DIR *dir;

    if (snprintf(path, sizeof path, "%s/sys/dev/block/%u:%u/slaves", sys_root, major(number), minor(number)) >=
        (int)sizeof path)
        return false;
    dir = opendir(path);
    while (!found && dir && (entry = readdir(dir))) {
        struct snap_device slave;
        uint64_t slave_number;

        if (entry->d_name[0] == '.' ||
            !snap_sysfs_line(text, sizeof text, "%s/%s/dev", path, entry->d_name) ||
            !snap_sysfs_device_number(text, &slave_number))
            continue;
        slave = device_at(sys_root, slave_number);
        found = stands_on(sys_root, &slave, lower, depth + 1);
    }
    if (dir)
        (void)closedir(dir);
    return found;
}

static bool stands_on(const char *sys_root, const struct snap_device *upper, const struct snap_device *lower,
                      unsigned depth)
{
    char reason[256];

    if (snap_device_same(upper, lower, reason, sizeof reason))
        return true;
    if (depth == DEPTH_MAX || !upper->block_device)
        return false;
    if (slave_stands_on(sys_root, upper->device_number, lower, depth) ||
        (upper->disk_number != upper->device_number && slave_stands_on(sys_root, upper->disk_number, lower, depth)))
        return true;
    if (upper->is_loop && (upper->backing_number != 0 || major(upper->backing_device) != 0)) {
        /* A loop device over a disk, or the disk of the file system that its file is on. */
        const struct snap_device under =
            device_at(sys_root, upper->backing_number != 0 ? upper->backing_number : upper->backing_device);

        return stands_on(sys_root, &under, lower, depth + 1);
    }
    return false;
}

bool snap_device_stands_on_at(const char *sys_root, const struct snap_device *upper, const struct snap_device *lower)
{
    return stands_on(sys_root, upper, lower, 0);
}

bool snap_device_stands_on(const struct snap_device *upper, const struct snap_device *lower)
{
    return stands_on("", upper, lower, 0);
}

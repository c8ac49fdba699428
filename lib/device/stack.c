/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which devices a device or folder stands on: through device-mapper and md, and loop devices over files. */
#include "lib/base/sysfs.h"
#include "lib/device/beneath.h"
#include "lib/device/device_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEPTH_MAX 16 /* deeper stacks are not built */

static struct snap_device device_at(const char *sys_root, uint64_t number)
{
    struct snap_device device = {.block_device = true, .device_number = number, .disk_number = number};

    snap_device_read_sysfs(sys_root, &device);
    snap_device_describe_loop(-1, &device);
    return device;
}

/* The same with what the node tells, where there is one. */
static struct snap_device device_of(uint64_t number)
{
    struct snap_device device;
    char path[64];

    (void)snprintf(path, sizeof path, "/dev/block/%u:%u", major(number), minor(number));
    if (snap_device_describe(path, &device, NULL) != SNAP_OK || !device.block_device || device.device_number != number)
        device = device_at("", number);
    return device;
}

static bool stands_on(const char *sys_root, const struct snap_device *upper, const struct snap_device *lower,
                      unsigned depth);

/* Whether the file system of the open file or folder lies on `lower`. */
static bool file_system_stands_on(int fd, const struct snap_device *lower, unsigned depth)
{
    struct snap_beneath beneath;
    bool found = false;

    snap_beneath_find(fd, &beneath);
    for (size_t i = 0; i < beneath.count && !found; i++) {
        const struct snap_device under = device_of(beneath.numbers[i]);

        found = stands_on("", &under, lower, depth);
    }
    return found;
}

/* The file behind a loop device lies on a file system whose number names no device, so it is looked at itself. */
static bool file_stands_on(const struct snap_device *loop, const struct snap_device *lower, unsigned depth)
{
    const int fd = open(loop->backing_path, O_PATH | O_CLOEXEC);
    struct stat st;
    bool found;

    if (fd < 0)
        return false;
    found = fstat(fd, &st) == 0 && st.st_dev == loop->backing_device && st.st_ino == loop->backing_inode &&
            file_system_stands_on(fd, lower, depth + 1);
    (void)close(fd); /* was only asked */
    return found;
}

size_t snap_device_slaves(const char *sys_root, uint64_t number, uint64_t slaves[SNAP_DEVICE_SLAVES_MAX])
{
    char path[PATH_MAX / 2], text[64];
    const struct dirent *entry;
    size_t count = 0;
    DIR *dir;

    if (snprintf(path, sizeof path, "%s/sys/dev/block/%u:%u/slaves", sys_root, major(number), minor(number)) >=
        (int)sizeof path)
        return 0;
    dir = opendir(path);
    while (dir && count < SNAP_DEVICE_SLAVES_MAX && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' && snap_sysfs_line(text, sizeof text, "%s/%s/dev", path, entry->d_name) &&
            snap_sysfs_device_number(text, &slaves[count]))
            count++;
    if (dir)
        (void)closedir(dir);
    return count;
}

/* The devices that the one with this number is made of. */
static bool slave_stands_on(const char *sys_root, uint64_t number, const struct snap_device *lower, unsigned depth)
{
    uint64_t slaves[SNAP_DEVICE_SLAVES_MAX];
    const size_t count = snap_device_slaves(sys_root, number, slaves);
    bool found = false;

    for (size_t i = 0; i < count && !found; i++) {
        const struct snap_device slave = device_at(sys_root, slaves[i]);

        found = stands_on(sys_root, &slave, lower, depth + 1);
    }
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
    return upper->is_loop && sys_root[0] == '\0' && file_stands_on(upper, lower, depth);
}

/* What one of the devices below has to do with `lower`: nothing, or it is that device or its partition, or shares. */
enum below { BELOW_APART, BELOW_SHARES, BELOW_IS_IT };

static enum below compare_below(const char *sys_root, uint64_t number, const struct snap_device *lower, unsigned depth)
{
    uint64_t slaves[SNAP_DEVICE_SLAVES_MAX];
    const size_t count = depth < DEPTH_MAX ? snap_device_slaves(sys_root, number, slaves) : 0;
    enum below found = BELOW_APART;
    char reason[256];

    for (size_t i = 0; i < count && found != BELOW_IS_IT; i++) {
        const struct snap_device slave = device_at(sys_root, slaves[i]);
        enum below deeper;

        if (slave.device_number == lower->device_number || slave.disk_number == lower->device_number)
            return BELOW_IS_IT;
        if (snap_device_same(&slave, lower, reason, sizeof reason))
            found = BELOW_SHARES;
        deeper = compare_below(sys_root, slave.disk_number, lower, depth + 1);
        found = deeper != BELOW_APART ? deeper : found;
    }
    return found;
}

bool snap_device_made_of_same_at(const char *sys_root, const struct snap_device *upper, const struct snap_device *lower)
{
    return upper->block_device && compare_below(sys_root, upper->disk_number, lower, 0) == BELOW_SHARES;
}

bool snap_device_made_of_same(const struct snap_device *upper, const struct snap_device *lower)
{
    return snap_device_made_of_same_at("", upper, lower);
}

bool snap_device_stands_on_at(const char *sys_root, const struct snap_device *upper, const struct snap_device *lower)
{
    return stands_on(sys_root, upper, lower, 0);
}

bool snap_device_stands_on(const struct snap_device *upper, const struct snap_device *lower)
{
    return stands_on("", upper, lower, 0);
}

bool snap_device_fd_stands_on(int fd, const struct snap_device *lower)
{
    struct snap_device upper = {.block_device = false};
    char reason[256];
    struct stat st;

    if (fstat(fd, &st) != 0)
        return false;
    if (S_ISBLK(st.st_mode)) {
        upper = device_of(st.st_rdev);
        return stands_on("", &upper, lower, 0);
    }
    upper.file_device = st.st_dev;
    upper.file_inode = st.st_ino;
    if (S_ISREG(st.st_mode) && snap_device_same(&upper, lower, reason, sizeof reason))
        return true;
    return (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) && file_system_stands_on(fd, lower, 0);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lists the loop devices from sysfs, or from the kernel's list of block devices where there is no sysfs. */
#include "lib/device/loops.h"

#include "lib/base/sysfs.h"
#include "lib/device/device_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/major.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

/* The node, if it is that of this device; -1 where there is none. */
static int open_node(const char *node, uint64_t device_number)
{
    struct stat st;
    const int fd = open(node, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW);

    if (fd >= 0 && fstat(fd, &st) == 0 && S_ISBLK(st.st_mode) && st.st_rdev == device_number)
        return fd;
    if (fd >= 0)
        (void)close(fd); /* nothing was done with it */
    return -1;
}

/* Adds the loop device if it shows anything, or may do so. */
static enum snap_status add(const char *sys_root, const char *name, uint64_t device_number, bool in_use,
                            struct snap_loops *loops, struct snap_error *err)
{
    struct snap_loop loop = {.device = {.block_device = true, .device_number = device_number,
                                        .disk_number = device_number}};
    struct snap_loop *grown;
    int fd;

    (void)snprintf(loop.node, sizeof loop.node, "/dev/%.20s", name);
    snap_device_read_sysfs(sys_root, &loop.device);
    fd = sys_root[0] ? -1 : open_node(loop.node, device_number);
    snap_device_describe_loop(fd, &loop.device);
    if (fd >= 0)
        (void)close(fd); /* was only asked */
    if (!loop.device.is_loop && !in_use)
        return SNAP_OK;
    loop.device.is_loop = true;
    grown = reallocarray(loops->loops, loops->count + 1, sizeof *grown);
    if (!grown)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for the list of loop devices");
    loops->loops = grown;
    loops->loops[loops->count++] = loop;
    return SNAP_OK;
}

static enum snap_status read_sysfs(const char *sys_root, DIR *block, struct snap_loops *loops, struct snap_error *err)
{
    const struct dirent *entry;
    enum snap_status status = SNAP_OK;
    uint64_t number;
    char text[64];

    while (status == SNAP_OK && (entry = readdir(block)))
        if (strncmp(entry->d_name, "loop", 4) == 0 &&
            snap_sysfs_line(text, sizeof text, "%s/sys/block/%s/dev", sys_root, entry->d_name) &&
            snap_sysfs_device_number(text, &number))
            status = add(sys_root, entry->d_name, number, false, loops, err);
    return status;
}

/* "loop0", not its partition "loop0p1". */
static bool is_whole(const char *name)
{
    return strncmp(name, "loop", 4) == 0 && name[4 + strspn(name + 4, "0123456789")] == '\0';
}

/* One that shows nothing has a size of 0 there, or no line at all. */
static enum snap_status read_partitions(const char *sys_root, FILE *partitions, struct snap_loops *loops,
                                        struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    char line[256], name[128];
    unsigned major_number, minor_number;
    unsigned long long kibibytes;

    while (status == SNAP_OK && fgets(line, sizeof line, partitions))
        if (sscanf(line, "%u %u %llu %127s", &major_number, &minor_number, &kibibytes, name) == 4 &&
            major_number == LOOP_MAJOR && is_whole(name))
            status = add(sys_root, name, makedev(major_number, minor_number), kibibytes > 0, loops, err);
    return status;
}

enum snap_status snap_loops_read_at(const char *sys_root, struct snap_loops *loops, struct snap_error *err)
{
    char path[PATH_MAX];
    enum snap_status status;
    FILE *partitions;
    DIR *block;

    *loops = (struct snap_loops){0};
    if ((size_t)snprintf(path, sizeof path, "%s/sys/block", sys_root) >= sizeof path)
        return snap_fail(err, SNAP_E_INTERNAL, "a root of %zu bytes is too long", strlen(sys_root));
    block = opendir(path);
    if (block) {
        status = read_sysfs(sys_root, block, loops, err);
        (void)closedir(block);
        return status;
    }
    (void)snprintf(path, sizeof path, "%s/proc/partitions", sys_root); /* as long as the one before, and 5 bytes */
    partitions = fopen(path, "re");
    if (!partitions)
        return snap_fail(err, SNAP_E_UNSUPPORTED,
                         "neither /sys nor /proc is there, so nobody can tell which files are in use "
                         "by loop devices");
    status = read_partitions(sys_root, partitions, loops, err);
    (void)fclose(partitions); /* was only read */
    return status;
}

enum snap_status snap_loops_read(struct snap_loops *loops, struct snap_error *err)
{
    return snap_loops_read_at("", loops, err);
}

bool snap_loops_known(const struct snap_loop *loop)
{
    return loop->device.backing_inode != 0 || loop->device.backing_number != 0 || loop->device.backing_path[0] != '\0';
}

void snap_loops_free(struct snap_loops *loops)
{
    free(loops->loops);
    *loops = (struct snap_loops){0};
}

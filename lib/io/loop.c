/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the loop device that an image backs: who writes below it corrupts what is mounted above. */
#include "lib/io/open_private.h"

#include "lib/base/sysfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * The device itself knows the inode, also of a file whose name is gone or belongs to another mount namespace. It
 * gives the device number as 32 bits in the kernel's encoding, which dev_t of the C library agrees with.
 */
static bool backs_by_status(const char *name, uint64_t file_device, uint64_t file_inode)
{
    struct loop_info64 info = {0};
    char path[PATH_MAX];
    bool same;
    int fd;

    if ((size_t)snprintf(path, sizeof path, "/dev/%s", name) >= sizeof path)
        return false;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    same = ioctl(fd, LOOP_GET_STATUS64, &info) == 0 && info.lo_inode == file_inode &&
           info.lo_device == file_device;
    (void)close(fd);
    return same;
}

static bool backs(const char *name, uint64_t file_device, uint64_t file_inode)
{
    char file_name[PATH_MAX + 16]; /* " (deleted)" may follow the path */
    struct stat seen;

    if (!snap_sysfs_path(file_name, sizeof file_name, "/sys/block/%s/loop/backing_file", name))
        return false;
    if (stat(file_name, &seen) == 0 && seen.st_dev == file_device && seen.st_ino == file_inode)
        return true;
    return backs_by_status(name, file_device, file_inode);
}

enum snap_status snap_open_refuse_loop_backing(const char *path, uint64_t file_device, uint64_t file_inode,
                                          struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    DIR *block = opendir("/sys/block");
    const struct dirent *entry;

    if (!block)
        return SNAP_OK;
    while (status == SNAP_OK && (entry = readdir(block)) != NULL) {
        if (strncmp(entry->d_name, "loop", 4) == 0 && backs(entry->d_name, file_device, file_inode))
            status = snap_fail_errno(err, EBUSY, "%s: the image backs /dev/%s; use that device, or detach it", path,
                                     entry->d_name);
    }
    (void)closedir(block);
    return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From the number of a file system, or its line in the mount table, to the numbers of its devices. */
#include "lib/device/beneath.h"

#include "lib/base/sysfs.h"
#include "lib/device/mount.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define DEPTH_MAX 4 /* overlays over overlays; the kernel takes two */

static void add(struct snap_beneath *beneath, uint64_t number)
{
    for (size_t i = 0; i < beneath->count; i++)
        if (beneath->numbers[i] == number)
            return;
    if (beneath->count < SNAP_BENEATH_MAX)
        beneath->numbers[beneath->count++] = number;
}

/* A device by its path; where it has no node here, by its name. */
static bool number_of(const char *root, const char *source, uint64_t *number)
{
    const char *name = strrchr(source, '/');
    char text[64];
    struct stat st;

    if (!name)
        return false;
    if (root[0] == '\0' && stat(source, &st) == 0) {
        *number = st.st_rdev;
        return S_ISBLK(st.st_mode);
    }
    return snap_sysfs_line(text, sizeof text, "%s/sys/class/block/%s/dev", root, name + 1) &&
           snap_sysfs_device_number(text, number);
}

/* All devices of a btrfs, by the folder in sysfs that has a link for each of them. */
static void read_btrfs(const char *folder, struct snap_beneath *devices)
{
    const struct dirent *entry;
    char text[64];
    DIR *dir = opendir(folder);

    devices->count = 0;
    while (dir && (entry = readdir(dir))) {
        uint64_t number;

        if (entry->d_name[0] != '.' && snap_sysfs_line(text, sizeof text, "%s/%s/dev", folder, entry->d_name) &&
            snap_sysfs_device_number(text, &number))
            add(devices, number);
    }
    if (dir)
        (void)closedir(dir);
}

/* The mount table names one device of a btrfs; the others are those of the same UUID. */
static void add_btrfs(const char *root, uint64_t number, struct snap_beneath *beneath)
{
    char path[PATH_MAX / 2], folder[PATH_MAX];
    const struct dirent *entry;
    DIR *dir;

    if (snprintf(path, sizeof path, "%s/sys/fs/btrfs", root) >= (int)sizeof path)
        return;
    dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        struct snap_beneath devices;
        bool same = false;

        (void)snprintf(folder, sizeof folder, "%s/%s/devices", path, entry->d_name);
        read_btrfs(folder, &devices);
        for (size_t i = 0; i < devices.count; i++)
            same |= devices.numbers[i] == number;
        for (size_t i = 0; same && i < devices.count; i++)
            add(beneath, devices.numbers[i]);
    }
    if (dir)
        (void)closedir(dir);
}

/* Finds the mount by its id, or, where that is not known, by the number of its file system. */
static bool find_mount(const char *root, uint64_t file_system, int mount_id, struct snap_mount *mount)
{
    char path[PATH_MAX / 2], *line = NULL;
    size_t line_bytes = 0;
    bool found = false;
    FILE *file;

    if (snprintf(path, sizeof path, "%s/proc/self/mountinfo", root) >= (int)sizeof path)
        return false;
    file = fopen(path, "re");
    while (!found && file && getline(&line, &line_bytes, file) > 0)
        found = snap_mount_parse(line, mount) &&
                (mount_id >= 0 ? mount->id == mount_id : mount->number == file_system);
    free(line);
    if (file)
        (void)fclose(file); /* was only read */
    return found;
}

static void find(const char *root, uint64_t file_system, int mount_id, unsigned depth, struct snap_beneath *beneath);

/* What is written to an overlay goes to its upper layer. */
static void find_upper(const char *root, const char *upper, unsigned depth, struct snap_beneath *beneath)
{
    const int fd = open(upper, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat st;

    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0)
        find(root, st.st_dev, snap_mount_id(fd), depth, beneath);
    (void)close(fd); /* was only asked */
}

static void find(const char *root, uint64_t file_system, int mount_id, unsigned depth, struct snap_beneath *beneath)
{
    struct snap_mount *mount;
    uint64_t number;

    if (major(file_system) != 0) { /* else it is no number of a device, but one made up */
        add(beneath, file_system);
        return;
    }
    mount = malloc(sizeof *mount);
    if (mount && find_mount(root, file_system, mount_id, mount)) {
        if (mount->upper[0] != '\0' && depth < DEPTH_MAX)
            find_upper(root, mount->upper, depth + 1, beneath);
        else if (number_of(root, mount->source, &number)) {
            add(beneath, number);
            add_btrfs(root, number, beneath);
        }
    }
    free(mount);
}

void snap_beneath_find_at(const char *root, uint64_t file_system, int mount_id, struct snap_beneath *beneath)
{
    beneath->count = 0;
    find(root, file_system, mount_id, 0, beneath);
}

void snap_beneath_find(int fd, struct snap_beneath *beneath)
{
    struct stat st;

    beneath->count = 0;
    if (fstat(fd, &st) == 0)
        find("", st.st_dev, snap_mount_id(fd), 0, beneath);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names who uses a device or file, from sysfs and /proc. */
#include "lib/base/sysfs.h"
#include "lib/base/text.h"
#include "lib/device/device_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct holder_list {
    const char *sys_root;
    char *text;
    size_t text_bytes;
    unsigned left_out; /* did not fit */
};

#define REST_BYTES sizeof ", and 4294967295 more" /* kept free for tell_rest */

/* Adds one holder; one that does not fit is left out as a whole, and counted. */
static void add_holder(struct holder_list *list, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add_holder(struct holder_list *list, const char *format, ...)
{
    char item[PATH_MAX + 128];
    size_t used = strlen(list->text);
    va_list args;

    va_start(args, format);
    (void)vsnprintf(item, sizeof item, format, args);
    va_end(args);
    if (used + strlen(item) + 2 + REST_BYTES <= list->text_bytes)
        (void)snprintf(list->text + used, list->text_bytes - used, "%s%s", used ? ", " : "", item);
    else
        list->left_out++;
}

static void tell_rest(struct holder_list *list)
{
    const size_t used = strlen(list->text);
    char *end = list->text + used;

    if (list->left_out > 0 && used > 0)
        (void)snprintf(end, list->text_bytes - used, ", and %u more", list->left_out);
    else if (list->left_out > 0)
        (void)snprintf(end, list->text_bytes - used, "in use %u time%s", list->left_out,
                       list->left_out > 1 ? "s" : "");
}

static FILE *open_proc(const char *sys_root, const char *name)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/proc/%s", sys_root, name) >= (int)sizeof path)
        return NULL;
    return fopen(path, "re");
}

static bool names_device(const char *path, const struct snap_device *device)
{
    struct stat st;

    if (path[0] != '/' || stat(path, &st) != 0)
        return false;
    if (device->block_device)
        return S_ISBLK(st.st_mode) && st.st_rdev == device->device_number;
    return S_ISREG(st.st_mode) && st.st_dev == device->file_device && st.st_ino == device->file_inode;
}

static void add_mounts(struct holder_list *list, const struct snap_device *device, const char *prefix)
{
    char *line = NULL;
    size_t line_bytes = 0;
    FILE *file = open_proc(list->sys_root, "self/mountinfo");

    while (file && getline(&line, &line_bytes, file) > 0) {
        char number[32], target[PATH_MAX], source[PATH_MAX] = "";
        uint64_t mounted_number;
        const char *rest = strstr(line, " - ");

        if (sscanf(line, "%*s %*s %31s %*s %4095s", number, target) != 2 ||
            !snap_sysfs_device_number(number, &mounted_number))
            continue;
        if (rest && sscanf(rest, " - %*s %4095s", source) == 1)
            snap_text_decode_octal(source);
        snap_text_decode_octal(target);
        /* btrfs shows a number of its own, and so does erofs in a plain file; there the source tells. */
        if ((device->block_device && mounted_number == device->device_number) || names_device(source, device))
            add_holder(list, "%smounted on %s", prefix, target);
    }
    free(line);
    if (file)
        (void)fclose(file); /* was only read */
}

static void add_swaps(struct holder_list *list, const struct snap_device *device, const char *prefix)
{
    char *line = NULL;
    size_t line_bytes = 0;
    FILE *file = open_proc(list->sys_root, "swaps");

    while (file && getline(&line, &line_bytes, file) > 0) {
        char path[PATH_MAX];

        if (sscanf(line, "%4095s", path) != 1)
            continue;
        snap_text_decode_octal(path);
        if (names_device(path, device))
            add_holder(list, "%s" SNAP_DEVICE_AS_SWAP, prefix);
    }
    free(line);
    if (file)
        (void)fclose(file); /* was only read */
}

/* The directory <sys_root>/sys/dev/block/M:m/<name>. */
static DIR *open_sysfs(const char *sys_root, uint64_t device_number, const char *name, char path[PATH_MAX / 2])
{
    int length = snprintf(path, PATH_MAX / 2, "%s/sys/dev/block/%u:%u/%s", sys_root, major(device_number),
                          minor(device_number), name);

    return length < PATH_MAX / 2 ? opendir(path) : NULL;
}

/* The device-mapper and md devices (and bcache and the like) on top. */
static void add_stacked(struct holder_list *list, const struct snap_device *device, const char *prefix)
{
    char path[PATH_MAX / 2], dm_name[128];
    const struct dirent *entry;
    DIR *dir = open_sysfs(list->sys_root, device->device_number, "holders", path);

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        if (snap_sysfs_line(dm_name, sizeof dm_name, "%s/%s/dm/name", path, entry->d_name))
            add_holder(list, "%sheld by %s (%s)", prefix, entry->d_name, dm_name);
        else
            add_holder(list, "%sheld by %s", prefix, entry->d_name);
    }
    if (dir)
        (void)closedir(dir);
}

static void add_partitions(struct holder_list *list, const struct snap_device *disk)
{
    char path[PATH_MAX / 2], prefix[300], text[64];
    const struct dirent *entry;
    DIR *dir = open_sysfs(list->sys_root, disk->device_number, "", path);

    while (dir && (entry = readdir(dir))) {
        struct snap_device partition = {.block_device = true};

        if (entry->d_name[0] == '.' ||
            !snap_sysfs_line(text, sizeof text, "%s/%s/partition", path, entry->d_name) ||
            !snap_sysfs_line(text, sizeof text, "%s/%s/dev", path, entry->d_name) ||
            !snap_sysfs_device_number(text, &partition.device_number))
            continue;
        (void)snprintf(prefix, sizeof prefix, "partition %s ", entry->d_name);
        add_mounts(list, &partition, prefix);
        add_swaps(list, &partition, prefix);
        add_stacked(list, &partition, prefix);
    }
    if (dir)
        (void)closedir(dir);
}

static void add_loop_devices(struct holder_list *list, const struct snap_device *device)
{
    char path[PATH_MAX / 2], node[PATH_MAX], text[128];
    const struct dirent *entry;
    DIR *dir;

    if (snprintf(path, sizeof path, "%s/sys/block", list->sys_root) >= (int)sizeof path)
        return;
    dir = opendir(path);
    while (dir && (entry = readdir(dir))) {
        struct snap_device loop = {.block_device = true};
        int fd;

        if (strncmp(entry->d_name, "loop", 4) != 0 ||
            !snap_sysfs_line(text, sizeof text, "%s/%s/dev", path, entry->d_name) ||
            !snap_sysfs_device_number(text, &loop.device_number))
            continue;
        (void)snprintf(node, sizeof node, "/dev/%s", entry->d_name);
        /* Its own disk is no holder of a partition, nor is the loop device below a loop device. */
        if (loop.device_number == device->device_number || loop.device_number == device->disk_number ||
            strcmp(device->backing_path, node) == 0)
            continue;
        snap_device_read_sysfs(list->sys_root, &loop);
        fd = list->sys_root[0] ? -1 : open(node, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        snap_device_describe_loop(fd, &loop);
        if (fd >= 0)
            (void)close(fd); /* was only asked */
        if (loop.is_loop && snap_device_same(device, &loop, text, sizeof text))
            add_holder(list, "in use by loop device %s", node);
    }
    if (dir)
        (void)closedir(dir);
}

static void list_holders(struct holder_list *list, const struct snap_device *device, bool loop_devices)
{
    if (!list->text_bytes)
        return;
    list->text[0] = '\0';
    add_mounts(list, device, "");
    if (device->block_device)
        add_stacked(list, device, "");
    add_swaps(list, device, "");
    if (loop_devices)
        add_loop_devices(list, device);
    if (device->block_device && device->disk_number == device->device_number)
        add_partitions(list, device);
    tell_rest(list);
}

/* How many devices of device-mapper hold it; *others: whether anything else does. */
static unsigned count_mapped(const char *sys_root, const struct snap_device *device, bool *others)
{
    char path[PATH_MAX / 2], dm_name[128];
    const struct dirent *entry;
    unsigned count = 0;
    DIR *dir = open_sysfs(sys_root, device->device_number, "holders", path);

    while (dir && (entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        if (snap_sysfs_line(dm_name, sizeof dm_name, "%s/%s/dm/name", path, entry->d_name))
            count++;
        else
            *others = true;
    }
    if (dir)
        (void)closedir(dir);
    return count;
}

unsigned snap_device_only_mapped_at(const char *sys_root, const struct snap_device *device)
{
    char text[SNAP_DEVICE_HOLDERS_BYTES] = "";
    struct holder_list list = {.sys_root = sys_root, .text = text, .text_bytes = sizeof text};
    bool others = false;
    const unsigned mapped = count_mapped(sys_root, device, &others);

    add_mounts(&list, device, "");
    add_swaps(&list, device, "");
    if (device->disk_number == device->device_number)
        add_partitions(&list, device);
    return !others && text[0] == '\0' && list.left_out == 0 ? mapped : 0;
}

unsigned snap_device_only_mapped(const struct snap_device *device)
{
    return snap_device_only_mapped_at("", device);
}

void snap_device_holders_at(const char *sys_root, const struct snap_device *device, char *text, size_t text_bytes)
{
    struct holder_list list = {.sys_root = sys_root, .text = text, .text_bytes = text_bytes};

    list_holders(&list, device, true);
}

void snap_device_users(const struct snap_device *device, char *text, size_t text_bytes)
{
    struct holder_list list = {.sys_root = "", .text = text, .text_bytes = text_bytes};

    list_holders(&list, device, false);
}

void snap_device_holders(const char *path, const struct snap_device *device, char *text, size_t text_bytes)
{
    (void)path; /* everything is found by number and inode: a name can lie */
    snap_device_holders_at("", device, text, text_bytes);
}

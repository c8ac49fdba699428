/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the folder of a block device in sysfs. */
#include "lib/device/block.h"

#include "lib/base/sysfs.h"

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FOLDER_BYTES (PATH_MAX / 2)

/* The name is the end of the link; a '!' there stands for a '/'. */
static void read_name(const char *folder, struct snap_block *block)
{
    char target[PATH_MAX];
    const ssize_t length = readlink(folder, target, sizeof target - 1);
    const char *name;

    if (length < 0)
        return;
    target[length] = '\0';
    name = strrchr(target, '/');
    (void)snprintf(block->kernel_name, sizeof block->kernel_name, "%.63s", name ? name + 1 : target);
    for (char *at = block->kernel_name; *at; at++)
        if (*at == '!')
            *at = '/';
}

static uint64_t read_number(const char *folder, const char *name)
{
    char text[32];
    uint64_t value = 0;

    if (!snap_sysfs_line(text, sizeof text, "%s/%s", folder, name) || sscanf(text, "%" SCNu64, &value) != 1)
        return 0;
    return value;
}

static bool exists(const char *folder, const char *name)
{
    char path[PATH_MAX];

    return snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path && access(path, F_OK) == 0;
}

static void read_kind(const char *folder, struct snap_block *block)
{
    if (exists(folder, "partition"))
        block->kind = SNAP_BLOCK_PART;
    else if (exists(folder, "dm"))
        block->kind = SNAP_BLOCK_DM;
    else if (exists(folder, "md"))
        block->kind = SNAP_BLOCK_MD;
    else if (exists(folder, "loop"))
        block->kind = SNAP_BLOCK_LOOP;
    if (block->kind == SNAP_BLOCK_DM) {
        (void)snap_sysfs_line(block->dm_name, sizeof block->dm_name, "%s/dm/name", folder);
        (void)snap_sysfs_line(block->dm_uuid, sizeof block->dm_uuid, "%s/dm/uuid", folder);
    } else if (block->kind == SNAP_BLOCK_MD) {
        (void)snap_sysfs_line(block->md_level, sizeof block->md_level, "%s/md/level", folder);
    } else if (block->kind == SNAP_BLOCK_LOOP) {
        (void)snap_sysfs_path(block->backing_path, sizeof block->backing_path, "%s/loop/backing_file", folder);
    }
}

static void add(struct snap_block *block, uint64_t *numbers, size_t *count, uint64_t number)
{
    for (size_t i = 0; i < *count; i++)
        if (numbers[i] == number)
            return;
    if (*count == SNAP_BLOCK_NEIGHBOURS_MAX)
        block->left_out = true;
    else
        numbers[(*count)++] = number;
}

/* Adds the devices that have an entry in the folder; with `only`, those whose entry has a file of that name. */
static void add_entries(const char *folder, const char *name, const char *only, struct snap_block *block,
                        uint64_t *numbers, size_t *count)
{
    char path[FOLDER_BYTES + 16], text[64];
    const struct dirent *entry;
    uint64_t number;
    DIR *dir;

    (void)snprintf(path, sizeof path, "%s%s", folder, name);
    dir = opendir(path);
    while (dir && (entry = readdir(dir)))
        if (entry->d_name[0] != '.' &&
            (!only || snap_sysfs_line(text, sizeof text, "%s/%s/%s", path, entry->d_name, only)) &&
            snap_sysfs_line(text, sizeof text, "%s/%s/dev", path, entry->d_name) &&
            snap_sysfs_device_number(text, &number))
            add(block, numbers, count, number);
    if (dir)
        (void)closedir(dir);
}

static int by_number(const void *a, const void *b)
{
    const uint64_t first = *(const uint64_t *)a, second = *(const uint64_t *)b;

    return first < second ? -1 : first > second;
}

static void read_neighbours(const char *root, const char *folder, struct snap_block *block)
{
    char text[64];
    struct stat st;
    uint64_t number;

    add_entries(folder, "/slaves", NULL, block, block->below, &block->below_count);
    if (block->kind == SNAP_BLOCK_PART && snap_sysfs_line(text, sizeof text, "%s/../dev", folder) &&
        snap_sysfs_device_number(text, &number))
        add(block, block->below, &block->below_count, number);
    if (root[0] == '\0' && block->backing_path[0] == '/' && stat(block->backing_path, &st) == 0 && S_ISBLK(st.st_mode))
        add(block, block->below, &block->below_count, st.st_rdev);
    add_entries(folder, "/holders", NULL, block, block->above, &block->above_count);
    if (block->kind != SNAP_BLOCK_PART)
        add_entries(folder, "", "partition", block, block->above, &block->above_count);
    qsort(block->below, block->below_count, sizeof block->below[0], by_number);
    qsort(block->above, block->above_count, sizeof block->above[0], by_number);
}

enum snap_status snap_block_read_at(const char *root, uint64_t number, struct snap_block *block,
                                    struct snap_error *err)
{
    char folder[FOLDER_BYTES];

    *block = (struct snap_block){.number = number};
    if ((size_t)snprintf(folder, sizeof folder, "%s/sys/dev/block/%u:%u", root, major(number), minor(number)) >=
        sizeof folder)
        return snap_fail(err, SNAP_E_INTERNAL, "a root of %zu bytes is too long", strlen(root));
    if (access(folder, F_OK) != 0)
        return snap_fail(err, SNAP_E_NOENT, "%u:%u: sysfs does not know this device", major(number), minor(number));
    read_name(folder, block);
    read_kind(folder, block);
    block->size_sectors = read_number(folder, "size");
    block->read_only = read_number(folder, "ro") != 0;
    read_neighbours(root, folder, block);
    return SNAP_OK;
}

enum snap_status snap_block_read(uint64_t number, struct snap_block *block, struct snap_error *err)
{
    return snap_block_read_at("", number, block, err);
}

const char *snap_block_kind_name(enum snap_block_kind kind)
{
    static const char *const names[] = {
        [SNAP_BLOCK_DISK] = "disk", [SNAP_BLOCK_PART] = "part", [SNAP_BLOCK_LOOP] = "loop",
        [SNAP_BLOCK_MD] = "md", [SNAP_BLOCK_DM] = "dm",
    };

    return names[kind];
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads /proc/self/mountinfo and /proc/swaps. */
#include "lib/device/mounted.h"

#include "lib/base/text.h"
#include "lib/device/mount.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

static enum snap_status fail_memory(struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM, "no memory for the list of mount points");
}

static enum snap_status add(struct snap_mounted *mounted, uint64_t number, const char *target, struct snap_error *err)
{
    struct snap_mounted_place *grown = reallocarray(mounted->places, mounted->count + 1, sizeof *grown);
    char *copy = strdup(target);

    if (grown)
        mounted->places = grown;
    if (!grown || !copy) {
        free(copy);
        return fail_memory(err);
    }
    mounted->places[mounted->count++] = (struct snap_mounted_place){.number = number, .target = copy};
    return SNAP_OK;
}

static bool is_block_device(const char *path, uint64_t *number)
{
    struct stat st;

    if (path[0] != '/' || stat(path, &st) != 0 || !S_ISBLK(st.st_mode))
        return false;
    *number = st.st_rdev;
    return true;
}

/* A number without a major part is made up; then the source tells, where it is the path of a device. */
static enum snap_status add_mount(struct snap_mounted *mounted, const struct snap_mount *mount, struct snap_error *err)
{
    uint64_t number = mount->number;

    if (major(number) == 0 && !is_block_device(mount->source, &number))
        return SNAP_OK;
    return add(mounted, number, mount->target, err);
}

static FILE *open_proc(const char *root, const char *name)
{
    char path[PATH_MAX];

    if (snprintf(path, sizeof path, "%s/proc/%s", root, name) >= (int)sizeof path) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(path, "re");
}

static enum snap_status read_mounts(FILE *file, struct snap_mounted *mounted, struct snap_error *err)
{
    struct snap_mount *mount = malloc(sizeof *mount);
    enum snap_status status = mount ? SNAP_OK : fail_memory(err);
    size_t line_bytes = 0;
    char *line = NULL;

    while (status == SNAP_OK && getline(&line, &line_bytes, file) > 0)
        if (snap_mount_parse(line, mount))
            status = add_mount(mounted, mount, err);
    if (status == SNAP_OK && ferror(file))
        status = snap_fail(err, SNAP_E_IO, "the mount table cannot be read");
    free(line);
    free(mount);
    return status;
}

static enum snap_status read_swaps(FILE *file, struct snap_mounted *mounted, struct snap_error *err)
{
    char line[PATH_MAX + 256], path[PATH_MAX];
    enum snap_status status = SNAP_OK;
    uint64_t number;

    while (status == SNAP_OK && fgets(line, sizeof line, file)) {
        if (sscanf(line, "%4095s", path) != 1)
            continue;
        snap_text_decode_octal(path);
        if (is_block_device(path, &number))
            status = add(mounted, number, SNAP_MOUNTED_SWAP, err);
    }
    return status;
}

enum snap_status snap_mounted_read_at(const char *root, struct snap_mounted *mounted, struct snap_error *err)
{
    FILE *file = open_proc(root, "self/mountinfo");
    enum snap_status status;

    *mounted = (struct snap_mounted){.count = 0};
    if (!file)
        return snap_fail_errno(err, errno, "%s/proc/self/mountinfo", root);
    status = read_mounts(file, mounted, err);
    (void)fclose(file); /* was only read */
    file = status == SNAP_OK ? open_proc(root, "swaps") : NULL;
    if (file) {
        status = read_swaps(file, mounted, err);
        (void)fclose(file); /* was only read */
    }
    return status;
}

enum snap_status snap_mounted_read(struct snap_mounted *mounted, struct snap_error *err)
{
    return snap_mounted_read_at("", mounted, err);
}

void snap_mounted_free(struct snap_mounted *mounted)
{
    for (size_t i = 0; i < mounted->count; i++)
        free(mounted->places[i].target);
    free(mounted->places);
    *mounted = (struct snap_mounted){.count = 0};
}

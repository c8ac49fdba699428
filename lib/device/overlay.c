/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds where else the bytes of a file on overlayfs stand, by the mount table. */
#include "lib/device/overlay.h"

#include "lib/device/mount.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_overlay(const struct snap_mount *mount)
{
    return strcmp(mount->type, "overlay") == 0;
}

/* What follows the folder in the path, with its slash; NULL where the path is not below the folder. */
static const char *below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    if (length == 1) /* "/" */
        return path;
    return strncmp(path, folder, length) == 0 && path[length] == '/' ? path + length : NULL;
}

/* Adds folder + rest, if there is a regular file; *added says so. */
static enum snap_status add_name(struct snap_overlay_names *names, const char *folder, const char *rest, bool *added,
                                 struct snap_error *err)
{
    struct snap_overlay_name *grown;
    struct stat st;
    char *path;

    *added = false;
    if (asprintf(&path, "%s%s", strcmp(folder, "/") == 0 ? "" : folder, rest) < 0)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for a path");
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode)) {
        free(path);
        return SNAP_OK;
    }
    grown = reallocarray(names->names, names->count + 1, sizeof *grown);
    if (!grown) {
        free(path);
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for the names of a file");
    }
    names->names = grown;
    names->names[names->count++].path = path;
    *added = true;
    return SNAP_OK;
}

/* The mount that the file was opened through is an overlay: the same file in its upper layer. */
static enum snap_status add_upper(const struct snap_mount *mount, const char *file_path,
                                  struct snap_overlay_names *names, struct snap_error *err)
{
    const char *rest = below(file_path, mount->target);
    char folder[2 * PATH_MAX];
    enum snap_status status = SNAP_OK;
    bool added = false;

    if (rest && mount->upper[0]) {
        (void)snprintf(folder, sizeof folder, "%s%s", mount->upper, strcmp(mount->root, "/") == 0 ? "" : mount->root);
        status = add_name(names, folder, rest, &added, err);
    }
    names->hidden |= !added;
    return status;
}

/* The file lies in the upper layer of this overlay: the same file where that is mounted. */
static enum snap_status add_merged(const struct snap_mount *mount, const char *file_path,
                                   struct snap_overlay_names *names, struct snap_error *err)
{
    const char *rest = mount->upper[0] ? below(file_path, mount->upper) : NULL;
    const char *shown = rest ? below(rest, mount->root) : NULL;
    bool added;

    return shown ? add_name(names, mount->target, shown, &added, err) : SNAP_OK;
}

/* Whether this mount is a better guess for the file than the best so far, whose mount point is `best_length` long. */
static bool is_through(const struct snap_mount *mount, const char *file_path, int mount_id, size_t *best_length)
{
    if (mount_id >= 0)
        return mount->id == mount_id;
    if (!below(file_path, mount->target) || strlen(mount->target) < *best_length)
        return false;
    *best_length = strlen(mount->target);
    return true;
}

enum snap_status snap_overlay_find_in(const char *mountinfo_path, const char *file_path, int mount_id,
                                      struct snap_overlay_names *names, struct snap_error *err)
{
    struct snap_mount *mount = calloc(2, sizeof *mount), *through = mount + 1;
    FILE *file = fopen(mountinfo_path, "re");
    enum snap_status status = SNAP_OK;
    size_t line_bytes = 0, best_length = 0;
    char *line = NULL;

    *names = (struct snap_overlay_names){0};
    if (!mount)
        status = snap_fail(err, SNAP_E_NOMEM, "out of memory for the mount table");
    while (status == SNAP_OK && file && getline(&line, &line_bytes, file) > 0) {
        if (!snap_mount_parse(line, mount))
            continue;
        if (is_through(mount, file_path, mount_id, &best_length))
            *through = *mount;
        if (is_overlay(mount))
            status = add_merged(mount, file_path, names, err);
    }
    if (status == SNAP_OK && is_overlay(through))
        status = add_upper(through, file_path, names, err);
    free(line);
    free(mount);
    if (file)
        (void)fclose(file); /* was only read */
    return status;
}

enum snap_status snap_overlay_find(int fd, struct snap_overlay_names *names, struct snap_error *err)
{
    char link[64], path[PATH_MAX];
    ssize_t length;

    *names = (struct snap_overlay_names){0};
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof path - 1);
    if (length <= 0 || path[0] != '/')
        return SNAP_OK; /* a file without a name has no other one */
    path[length] = '\0';
    return snap_overlay_find_in("/proc/self/mountinfo", path, snap_mount_id(fd), names, err);
}

void snap_overlay_free(struct snap_overlay_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i].path);
    free(names->names);
    *names = (struct snap_overlay_names){0};
}

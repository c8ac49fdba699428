/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds where else the bytes of a file on overlayfs stand, by the mount table. */
#include "lib/device/overlay.h"

#include "lib/device/mount.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#define SETTLING_TRIES 5 /* for a file that is being written to */

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

static bool same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/*
 * An overlay shows the size, mode and times of the file beneath as they are; only device and inode are its own. Two
 * files of one file system that were made in one tick of the clock are not meant.
 */
static bool look_alike(const struct stat *a, const struct stat *b)
{
    return S_ISREG(a->st_mode) && a->st_mode == b->st_mode && a->st_size == b->st_size &&
           a->st_dev != b->st_dev && same_time(&a->st_mtim, &b->st_mtim) && same_time(&a->st_ctim, &b->st_ctim);
}

static bool on_overlay(int fd)
{
    struct statfs fs;

    return fstatfs(fd, &fs) == 0 && fs.f_type == OVERLAYFS_SUPER_MAGIC;
}

static bool fds_show_same(int fd, int other)
{
    struct stat before, after, seen;

    if (!on_overlay(fd) && !on_overlay(other))
        return false;
    for (unsigned i = 0; i < SETTLING_TRIES; i++) {
        if (fstat(fd, &before) != 0 || fstat(other, &seen) != 0 || fstat(fd, &after) != 0)
            return false;
        if (look_alike(&before, &seen) || look_alike(&after, &seen))
            return true;
        if (same_time(&before.st_ctim, &after.st_ctim))
            return false;
    }
    /* Somebody writes to it all the time. */
    return before.st_dev != seen.st_dev && before.st_mode == seen.st_mode && before.st_size == seen.st_size;
}

bool snap_overlay_shows_same(int fd, const char *path)
{
    const int other = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    const bool same = other >= 0 && fds_show_same(fd, other);

    if (other >= 0)
        (void)close(other); /* only a path */
    return same;
}

static bool has_name(const struct snap_overlay_names *names, const char *path)
{
    for (size_t i = 0; i < names->count; i++)
        if (strcmp(names->names[i].path, path) == 0)
            return true;
    return false;
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
    if (lstat(path, &st) != 0 || !S_ISREG(st.st_mode) || has_name(names, path)) {
        *added = has_name(names, path);
        free(path);
        return SNAP_OK;
    }
    grown = reallocarray(names->names, names->count + 1, sizeof *grown);
    if (!grown) {
        free(path);
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for the names of a file");
    }
    names->names = grown;
    names->names[names->count++] = (struct snap_overlay_name){.path = path};
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

/*
 * The upper layer may be named by a relative path, or the file may be named through a bind mount: then the paths tell
 * nothing. But the file has the end of its path in common with its merged name, and all that stat tells of a file.
 */
static enum snap_status add_by_end(const struct snap_mount *mount, const char *path_on_fs, int fd,
                                   struct snap_overlay_names *names, struct snap_error *err)
{
    const size_t count = names->count;
    enum snap_status status = SNAP_OK;
    bool added = false;

    for (const char *end = path_on_fs; end && !added && status == SNAP_OK; end = strchr(end + 1, '/')) {
        char *path;

        if (asprintf(&path, "%s%s", strcmp(mount->target, "/") == 0 ? "" : mount->target, end) < 0)
            return snap_fail(err, SNAP_E_NOMEM, "out of memory for a path");
        if (snap_overlay_shows_same(fd, path))
            status = add_name(names, mount->target, end, &added, err);
        free(path);
    }
    if (names->count > count)
        names->names[count].perhaps_lower = true;
    return status;
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

/* Finds the mount that the file was opened through; an empty one where there is none. */
static void find_through(FILE *file, const char *file_path, int mount_id, struct snap_mount *through)
{
    struct snap_mount *mount = malloc(sizeof *mount);
    size_t line_bytes = 0, best_length = 0;
    char *line = NULL;

    while (mount && getline(&line, &line_bytes, file) > 0)
        if (snap_mount_parse(line, mount) && is_through(mount, file_path, mount_id, &best_length))
            *through = *mount;
    free(line);
    free(mount);
    rewind(file);
}

/* The path of the file on its file system, whatever of that is mounted where. */
static void path_on_file_system(const struct snap_mount *through, const char *file_path, char *path, size_t path_bytes)
{
    const char *rest = strcmp(file_path, through->target) == 0 ? "" : below(file_path, through->target);

    (void)snprintf(path, path_bytes, "%s%s", rest && strcmp(through->root, "/") != 0 ? through->root : "",
                   rest ? rest : file_path);
}

/* All names in overlays that are mounted here. */
static enum snap_status add_all_merged(FILE *file, const char *file_path, const struct snap_mount *through,
                                       struct snap_overlay_names *names, struct snap_error *err)
{
    const int fd = open(file_path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct snap_mount *mount = malloc(sizeof *mount);
    enum snap_status status = mount ? SNAP_OK : snap_fail(err, SNAP_E_NOMEM, "out of memory for the mount table");
    char path[2 * PATH_MAX], *line = NULL;
    size_t line_bytes = 0;

    path_on_file_system(through, file_path, path, sizeof path);
    while (status == SNAP_OK && getline(&line, &line_bytes, file) > 0) {
        if (!snap_mount_parse(line, mount) || !is_overlay(mount))
            continue;
        status = add_merged(mount, file_path, names, err);
        if (status == SNAP_OK && fd >= 0)
            status = add_by_end(mount, path, fd, names, err);
    }
    free(line);
    free(mount);
    if (fd >= 0)
        (void)close(fd); /* only a path */
    return status;
}

enum snap_status snap_overlay_find_in(const char *mountinfo_path, const char *file_path, int mount_id,
                                      struct snap_overlay_names *names, struct snap_error *err)
{
    struct snap_mount *through = calloc(1, sizeof *through);
    FILE *file = fopen(mountinfo_path, "re");
    enum snap_status status = SNAP_OK;

    *names = (struct snap_overlay_names){0};
    if (!through)
        status = snap_fail(err, SNAP_E_NOMEM, "out of memory for the mount table");
    if (status == SNAP_OK && file) {
        find_through(file, file_path, mount_id, through);
        status = add_all_merged(file, file_path, through, names, err);
    }
    if (status == SNAP_OK && is_overlay(through))
        status = add_upper(through, file_path, names, err);
    free(through);
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

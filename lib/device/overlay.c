/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds where else the bytes of a file on overlayfs stand, by the mount table. */
#include "lib/device/overlay.h"

#include "lib/base/text.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* One line of mountinfo, as far as it matters here. */
struct mount {
    int id;
    char root[PATH_MAX], target[PATH_MAX], upper[PATH_MAX];
    bool overlay;
};

static bool parse(const char *line, struct mount *mount)
{
    const char *rest = strstr(line, " - "), *upper;
    char type[64];

    if (!rest || sscanf(line, "%d %*s %*s %4095s %4095s", &mount->id, mount->root, mount->target) != 3 ||
        sscanf(rest, " - %63s", type) != 1)
        return false;
    snap_text_decode_octal(mount->root);
    snap_text_decode_octal(mount->target);
    mount->overlay = strcmp(type, "overlay") == 0;
    mount->upper[0] = '\0';
    upper = strstr(rest, ",upperdir=");
    if (mount->overlay && upper) {
        const size_t length = strcspn(upper + 10, ", \n");

        if (length >= sizeof mount->upper)
            return false;
        memcpy(mount->upper, upper + 10, length);
        mount->upper[length] = '\0';
        snap_text_decode_octal(mount->upper);
    }
    return true;
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
static enum snap_status add_upper(const struct mount *mount, const char *file_path, struct snap_overlay_names *names,
                                  struct snap_error *err)
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
static enum snap_status add_merged(const struct mount *mount, const char *file_path, struct snap_overlay_names *names,
                                   struct snap_error *err)
{
    const char *rest = mount->upper[0] ? below(file_path, mount->upper) : NULL;
    const char *shown = rest ? below(rest, mount->root) : NULL;
    bool added;

    return shown ? add_name(names, mount->target, shown, &added, err) : SNAP_OK;
}

/* Whether this mount is a better guess for the file than the best so far, whose mount point is `best_length` long. */
static bool is_through(const struct mount *mount, const char *file_path, int mount_id, size_t *best_length)
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
    struct mount *mount = calloc(2, sizeof *mount), *through = mount + 1;
    FILE *file = fopen(mountinfo_path, "re");
    enum snap_status status = SNAP_OK;
    size_t line_bytes = 0, best_length = 0;
    char *line = NULL;

    *names = (struct snap_overlay_names){0};
    if (!mount)
        status = snap_fail(err, SNAP_E_NOMEM, "out of memory for the mount table");
    while (status == SNAP_OK && file && getline(&line, &line_bytes, file) > 0) {
        if (!parse(line, mount))
            continue;
        if (is_through(mount, file_path, mount_id, &best_length))
            *through = *mount;
        if (mount->overlay)
            status = add_merged(mount, file_path, names, err);
    }
    if (status == SNAP_OK && through->overlay)
        status = add_upper(through, file_path, names, err);
    free(line);
    free(mount);
    if (file)
        (void)fclose(file); /* was only read */
    return status;
}

/* The mount that a descriptor was opened through; -1 where the kernel does not tell. */
static int mount_of(int fd)
{
    char path[64], line[128];
    FILE *file;
    int id = -1;

    (void)snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
    file = fopen(path, "re");
    while (file && id < 0 && fgets(line, sizeof line, file))
        if (sscanf(line, "mnt_id: %d", &id) != 1)
            id = -1;
    if (file)
        (void)fclose(file); /* was only read */
    return id;
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
    return snap_overlay_find_in("/proc/self/mountinfo", path, mount_of(fd), names, err);
}

void snap_overlay_free(struct snap_overlay_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i].path);
    free(names->names);
    *names = (struct snap_overlay_names){0};
}

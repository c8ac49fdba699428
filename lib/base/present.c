/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares names with open files; /proc tells where these are. */
#include "lib/base/present.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool same(const struct stat *a, const struct stat *b)
{
    if (S_ISBLK(a->st_mode) || S_ISBLK(b->st_mode))
        return S_ISBLK(a->st_mode) && S_ISBLK(b->st_mode) && a->st_rdev == b->st_rdev;
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

static enum snap_present_name meaning(const char *path, const struct stat *opened)
{
    struct stat now;

    if (stat(path, &now) == 0)
        return same(&now, opened) ? SNAP_PRESENT_SAME : SNAP_PRESENT_OTHER;
    return errno == ENOENT || errno == ENOTDIR ? SNAP_PRESENT_NOTHING : SNAP_PRESENT_UNKNOWN;
}

/* The kernel's name for a descriptor; of one that was removed, or lies outside of this root, it is no path. */
static char *path_of(int fd)
{
    char through[40], text[PATH_MAX];
    struct stat opened;
    ssize_t length;

    (void)snprintf(through, sizeof through, "/proc/self/fd/%d", fd);
    length = readlink(through, text, sizeof text - 1);
    if (length <= 0 || (size_t)length >= sizeof text - 1 || text[0] != '/' || fstat(fd, &opened) != 0)
        return NULL;
    text[length] = '\0';
    return meaning(text, &opened) == SNAP_PRESENT_SAME ? strdup(text) : NULL;
}

/* Where a file of this name in the folder would be. */
static char *path_in(const struct snap_folder *folder)
{
    char *parent = path_of(folder->fd), *path = NULL;

    if (parent && asprintf(&path, "%s/%s", strcmp(parent, "/") == 0 ? "" : parent, folder->name) < 0)
        path = NULL;
    free(parent);
    return path;
}

/* A file that was made without a name has none for /proc, whichever it was given later. */
static char *path_in_folder(const struct snap_folder *folder, const struct stat *opened)
{
    char *path = path_in(folder);

    if (path && meaning(path, opened) != SNAP_PRESENT_SAME) {
        free(path);
        return NULL;
    }
    return path;
}

void snap_present_look(struct snap_present *present, const char *path, int fd, const struct snap_folder *folder)
{
    struct stat opened;

    *present = (struct snap_present){.name = SNAP_PRESENT_UNKNOWN};
    if (fstat(fd, &opened) != 0)
        return;
    present->removed = S_ISREG(opened.st_mode) && opened.st_nlink == 0;
    present->name = meaning(path, &opened);
    present->path = present->name == SNAP_PRESENT_SAME ? strdup(path) : path_of(fd);
    if (!present->path && folder)
        present->path = path_in_folder(folder, &opened);
}

void snap_present_look_folder(struct snap_present *present, const struct snap_folder *folder)
{
    const bool is_here = folder->name == folder->path;
    char *parent = is_here ? strdup(".") : strndup(folder->path, (size_t)(folder->name - folder->path));
    struct stat opened;

    *present = (struct snap_present){.name = SNAP_PRESENT_UNKNOWN};
    if (parent && fstat(folder->fd, &opened) == 0)
        present->name = meaning(parent, &opened);
    present->path = present->name == SNAP_PRESENT_SAME ? strdup(folder->path) : path_in(folder);
    free(parent);
}

void snap_present_free(struct snap_present *present)
{
    free(present->path);
    present->path = NULL;
}

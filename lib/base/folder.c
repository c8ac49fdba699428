/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens the folder of a name, and flushes it. */
#include "lib/base/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder of `path` as a name, allocated. */
static char *folder_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    if (!slash)
        return strdup(".");
    return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int open_folder(struct snap_folder *folder, const char *name)
{
    struct stat seen;

    folder->fd = open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    folder->readable = folder->fd >= 0;
    if (folder->fd < 0 && errno == EACCES)
        folder->fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (folder->fd < 0 || fstat(folder->fd, &seen) != 0)
        return errno;
    folder->device = seen.st_dev;
    folder->inode = seen.st_ino;
    return 0;
}

enum snap_status snap_folder_open(struct snap_folder **folder, const char *path, struct snap_error *err)
{
    const char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    struct snap_folder *opened;
    char *parent;
    int failed;

    *folder = NULL;
    if (name[0] == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return snap_fail(err, SNAP_E_USAGE, "%s: is the name of a folder; the name of a file is needed", path);
    opened = calloc(1, sizeof *opened);
    parent = folder_name(path);
    if (opened)
        *opened = (struct snap_folder){.fd = -1, .path = strdup(path)};
    if (!opened || !opened->path || !parent) {
        snap_folder_close(opened);
        free(parent);
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its name", path);
    }
    opened->name = opened->path + (name - path);
    failed = strlen(name) > NAME_MAX ? ENAMETOOLONG : open_folder(opened, parent);
    free(parent);
    if (failed) {
        snap_folder_close(opened);
        if (failed == ENAMETOOLONG)
            return snap_fail(err, SNAP_E_USAGE, "%s: the name is too long", path);
        return snap_fail_errno(err, failed, "%s: its folder cannot be opened", path);
    }
    *folder = opened;
    return SNAP_OK;
}

void snap_folder_close(struct snap_folder *folder)
{
    if (!folder)
        return;
    if (folder->fd >= 0)
        (void)close(folder->fd); /* was only read and flushed */
    free(folder->path);
    free(folder);
}

enum snap_status snap_folder_look(const struct snap_folder *folder, const char *name, struct snap_folder_entry *entry,
                                  struct snap_error *err)
{
    struct stat seen;

    *entry = (struct snap_folder_entry){.exists = false};
    if (fstatat(folder->fd, name, &seen, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? SNAP_OK : snap_fail_errno(err, errno, "%s", folder->path);
    *entry = (struct snap_folder_entry){.exists = true, .mode = seen.st_mode, .device = seen.st_dev,
                                        .inode = seen.st_ino};
    return SNAP_OK;
}

enum snap_status snap_folder_takes_files(const struct snap_folder *folder, struct snap_error *err)
{
    const bool is_here = folder->name == folder->path;

    if (faccessat(folder->fd, ".", W_OK | X_OK, AT_EACCESS) == 0)
        return SNAP_OK;
    return snap_fail_errno(err, errno, "%s: no file can be made in %.*s", folder->path,
                           is_here ? 1 : (int)(folder->name - folder->path), is_here ? "." : folder->path);
}

bool snap_folder_same(const struct snap_folder *a, const struct snap_folder *b)
{
    struct snap_folder_entry entry_a, entry_b;

    if (a->device == b->device && a->inode == b->inode && strcmp(a->name, b->name) == 0)
        return true;
    return snap_folder_look(a, a->name, &entry_a, NULL) == SNAP_OK &&
           snap_folder_look(b, b->name, &entry_b, NULL) == SNAP_OK && entry_a.exists && entry_b.exists &&
           entry_a.device == entry_b.device && entry_a.inode == entry_b.inode;
}

enum snap_status snap_folder_flush(const struct snap_folder *folder, int file_fd, struct snap_error *err)
{
    if ((folder->readable ? fsync(folder->fd) : syncfs(file_fd)) == 0 || errno == EINVAL)
        return SNAP_OK;
    return snap_fail_errno(err, errno,
                           "%s: is there with its content, but its name may not survive a power failure: the "
                           "folder cannot be flushed", folder->path);
}

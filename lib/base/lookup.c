/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keeps a descriptor that only names the file, and opens what it names. */
#include "lib/base/lookup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int snap_lookup_describe(struct snap_lookup *lookup, int fd)
{
    struct stat seen;

    if (fstat(fd, &seen) != 0)
        return -errno;
    *lookup = (struct snap_lookup){
        .fd = fd,
        .folder_fd = AT_FDCWD,
        .name = "",
        .mode = seen.st_mode,
        .device = seen.st_dev,
        .inode = seen.st_ino,
        .number = seen.st_rdev,
        .size_bytes = S_ISREG(seen.st_mode) ? (uint64_t)seen.st_size : 0,
    };
    return 0;
}

enum snap_status snap_lookup_new(struct snap_lookup **lookup, const char *path, struct snap_error *err)
{
    struct snap_lookup *found = calloc(1, sizeof *found);
    char *copy = strdup(path);
    int fd, failed;

    *lookup = NULL;
    if (!found || !copy) {
        free(found);
        free(copy);
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to look it up", path);
    }
    fd = open(path, O_PATH | O_CLOEXEC);
    failed = fd < 0 ? -errno : snap_lookup_describe(found, fd);
    if (failed != 0) {
        if (fd >= 0)
            (void)close(fd);
        free(found);
        free(copy);
        return snap_fail_errno(err, -failed, "%s", path);
    }
    found->path = copy;
    found->name = copy;
    *lookup = found;
    return SNAP_OK;
}

void snap_lookup_free(struct snap_lookup *lookup)
{
    if (!lookup)
        return;
    (void)close(lookup->fd); /* only a path */
    free(lookup->path);
    free(lookup);
}

static int same_file(const struct snap_lookup *lookup, int fd)
{
    struct snap_lookup now = {.fd = -1};
    const int failed = snap_lookup_describe(&now, fd);

    if (failed != 0)
        return failed;
    return now.device == lookup->device && now.inode == lookup->inode && now.number == lookup->number &&
                   (now.mode & S_IFMT) == (lookup->mode & S_IFMT)
               ? 0
               : -ESTALE;
}

/* O_NONBLOCK was for open alone. */
static int end_nonblock(int fd)
{
    const int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) < 0 ? -errno : 0;
}

int snap_lookup_reopen(const struct snap_lookup *lookup, int flags)
{
    const int all_flags = flags | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    char through[40];
    int fd, failed;

    (void)snprintf(through, sizeof through, "/proc/self/fd/%d", lookup->fd);
    fd = open(through, all_flags);
    /* No /proc: the name again, and the comparison below decides. */
    if (fd < 0 && errno == ENOENT && faccessat(AT_FDCWD, through, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
        fd = openat(lookup->folder_fd, lookup->name, all_flags);
    if (fd < 0)
        return -errno;
    failed = same_file(lookup, fd);
    if (failed == 0)
        failed = end_nonblock(fd);
    if (failed != 0) {
        (void)close(fd); /* nothing was written */
        return failed;
    }
    return fd;
}

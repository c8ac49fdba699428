/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes new image files, whole or not at all. */
#include "lib/io/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A flush of the image does not cover its name: that is data of the directory. */
static enum snap_status flush_directory(const char *path, struct snap_error *err)
{
    const char *slash = strrchr(path, '/');
    char *directory = slash ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    int sys_errno = 0;
    int fd;

    if (!directory)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to create it", path);
    fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    /*
     * Some file systems cannot flush a directory (EINVAL), some directories cannot be read: there is no more to
     * do.
     */
    if (fd >= 0 && fsync(fd) != 0 && errno != EINVAL)
        sys_errno = errno;
    if (fd >= 0)
        (void)close(fd);
    free(directory);
    return sys_errno ? snap_fail_errno(err, sys_errno, "%s: flushing its directory failed", path) : SNAP_OK;
}

static enum snap_status make_file(const char *path, int fd, uint64_t size_bytes, struct snap_error *err)
{
    int sys_errno = 0;

    if (size_bytes > INT64_MAX)
        sys_errno = EFBIG;
    else if (ftruncate(fd, (off_t)size_bytes) != 0 || fsync(fd) != 0)
        sys_errno = errno;
    if (close(fd) != 0 && sys_errno == 0)
        sys_errno = errno;
    if (sys_errno)
        return snap_fail_errno(err, sys_errno, "%s: cannot give it %" PRIu64 " bytes", path, size_bytes);
    return flush_directory(path, err);
}

enum snap_status snap_file_create(struct snap_io **io, const char *path, uint64_t size_bytes,
                                     const struct snap_file_options *options, struct snap_error *err)
{
    struct snap_file_options writing = *options;
    enum snap_status status;
    int fd;

    writing.write = true;
    /* For its owner alone: it will hold what a device holds, and devices are not for everybody to read. */
    fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST)
        return snap_fail(err, SNAP_E_REFUSED, "%s: exists already", path);
    if (fd < 0)
        return snap_fail_errno(err, errno, "%s: cannot create it", path);
    status = make_file(path, fd, size_bytes, err);
    if (status == SNAP_OK)
        status = snap_file_open(io, path, &writing, err);
    if (status != SNAP_OK)
        (void)unlink(path);
    return status;
}

/* Some file systems cannot rename without replacing (EINVAL): there a second name does it, which never replaces. */
static int rename_alone(const char *from, const char *to)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return errno;
    if (link(from, to) != 0)
        return errno;
    return unlink(from) == 0 ? 0 : errno;
}

enum snap_status snap_file_rename(const char *from, const char *to, struct snap_error *err)
{
    const int sys_errno = rename_alone(from, to);

    if (sys_errno == EEXIST)
        return snap_fail(err, SNAP_E_REFUSED, "%s: exists already", to);
    if (sys_errno)
        return snap_fail_errno(err, sys_errno, "%s: cannot name it %s", from, to);
    return flush_directory(to, err);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/base/replace.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST_LINE_BYTES_MAX 128u

/* Whether the file begins with the line; an empty one does. */
static bool begins_with(int fd, const char *first_line)
{
    char found[FIRST_LINE_BYTES_MAX];
    const size_t length = strlen(first_line);
    ssize_t count;

    do
        count = pread(fd, found, length, 0);
    while (count < 0 && errno == EINTR);
    return count == 0 || (count == (ssize_t)length && memcmp(found, first_line, length) == 0);
}

static enum snap_status read_text(int fd, const char *path, uint64_t length_bytes, char **text, struct snap_error *err)
{
    uint64_t done_bytes = 0;

    *text = length_bytes < SIZE_MAX ? malloc((size_t)length_bytes + 1) : NULL;
    if (!*text)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is in it", path);
    while (done_bytes < length_bytes) {
        ssize_t count = pread(fd, *text + done_bytes, (size_t)(length_bytes - done_bytes), (off_t)done_bytes);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            free(*text);
            *text = NULL;
            return snap_fail_errno(err, errno, "%s", path);
        }
        if (count == 0)
            break;
        done_bytes += (uint64_t)count;
    }
    (*text)[done_bytes] = '\0';
    return SNAP_OK;
}

enum snap_status snap_replace_check(const char *path, const char *first_line, char **text, struct snap_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
    struct stat st;
    enum snap_status status = SNAP_OK;

    if (text)
        *text = NULL;
    if (fd < 0 && errno == ENOENT)
        return SNAP_OK;
    if (fd < 0 && errno == ELOOP)
        return snap_fail(err, SNAP_E_REFUSED, "%s: is a symbolic link: it is not followed and not replaced", path);
    if (fd < 0)
        return snap_fail_errno(err, errno, "%s", path);
    if (fstat(fd, &st) != 0)
        status = snap_fail_errno(err, errno, "%s", path);
    else if (!S_ISREG(st.st_mode))
        status = snap_fail(err, SNAP_E_REFUSED, "%s: is no regular file: it is not replaced", path);
    else if (!begins_with(fd, first_line))
        status = snap_fail(err, SNAP_E_REFUSED, "%s: holds something else: it does not begin with \"%.*s\", and is not "
                           "replaced", path, (int)strcspn(first_line, "\n"), first_line);
    else if (text)
        status = read_text(fd, path, (uint64_t)st.st_size, text, err);
    (void)close(fd); /* was only read */
    return status;
}

static enum snap_status write_file(int fd, const char *path, const char *text, struct snap_error *err)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t count = write(fd, text, left);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return snap_fail_errno(err, errno, "%s: cannot be written", path);
        text += count;
        left -= (size_t)count;
    }
    return fsync(fd) == 0 ? SNAP_OK : snap_fail_errno(err, errno, "%s: cannot be made durable", path);
}

/* The new name is only durable once the folder is. */
static enum snap_status sync_folder(const char *path, struct snap_error *err)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    enum snap_status status = SNAP_OK;
    int fd;

    if (!folder)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory", path);
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0)
        status = snap_fail_errno(err, errno, "%s: the folder of %s cannot be made durable", folder, path);
    if (fd >= 0)
        (void)close(fd); /* was only read */
    free(folder);
    return status;
}

enum snap_status snap_replace_file(const char *path, const char *text, struct snap_error *err)
{
    char temporary[4096];
    enum snap_status status;
    int fd;

    if ((size_t)snprintf(temporary, sizeof temporary, "%s.dmsnap-new", path) >= sizeof temporary)
        return snap_fail(err, SNAP_E_USAGE, "%s: the name is too long", path);
    (void)unlink(temporary); /* left by a run that was killed; O_EXCL decides */
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return snap_fail_errno(err, errno, "%s: cannot be made", temporary);
    status = write_file(fd, temporary, text, err);
    if (close(fd) != 0 && status == SNAP_OK)
        status = snap_fail_errno(err, errno, "%s: cannot be closed", temporary);
    if (status == SNAP_OK && rename(temporary, path) != 0)
        status = snap_fail_errno(err, errno, "%s: cannot replace %s", temporary, path);
    if (status == SNAP_OK)
        return sync_folder(path, err);
    (void)unlink(temporary);
    return status;
}

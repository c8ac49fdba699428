/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the file that is there, and puts a new one with the text in its place. */
#include "lib/base/replace.h"

#include "lib/base/new_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum snap_status read_text(struct snap_replace *file, int fd, uint64_t length_bytes, struct snap_error *err)
{
    const char *path = file->folder->path;

    file->text = length_bytes < SIZE_MAX ? malloc((size_t)length_bytes + 1) : NULL;
    if (!file->text)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for what is in it", path);
    while (file->text_bytes < length_bytes) {
        ssize_t count = pread(fd, file->text + file->text_bytes, (size_t)(length_bytes - file->text_bytes),
                              (off_t)file->text_bytes);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return snap_fail_errno(err, errno, "%s: cannot be read", path);
        if (count == 0)
            break;
        file->text_bytes += (uint64_t)count;
    }
    file->text[file->text_bytes] = '\0';
    return SNAP_OK;
}

/* Whether the file begins with the line; an empty one may be replaced, too. */
static enum snap_status check_first_line(int fd, const char *path, const char *first_line, struct snap_error *err)
{
    const size_t length = strlen(first_line);
    char found[128];
    ssize_t count;

    do
        count = length <= sizeof found ? pread(fd, found, length, 0) : -1;
    while (count < 0 && errno == EINTR);
    if (count == 0 || (count == (ssize_t)length && memcmp(found, first_line, length) == 0))
        return SNAP_OK;
    return snap_fail(err, SNAP_E_REFUSED,
                     "%s: holds something else: it does not begin with \"%.*s\", and is not replaced; "
                     "name another file",
                     path, (int)strcspn(first_line, "\n"), first_line);
}

/* The kind is asked first: another kind has no text. */
static enum snap_status take_old(struct snap_replace *file, int fd, const char *first_line, uint64_t text_bytes_max,
                                 struct snap_error *err)
{
    const char *path = file->folder->path;
    struct stat seen;
    enum snap_status status;

    if (fstat(fd, &seen) != 0)
        return snap_fail_errno(err, errno, "%s", path);
    if (!S_ISREG(seen.st_mode))
        return snap_fail(err, SNAP_E_REFUSED, "%s: is no regular file: it is not replaced; name another file", path);
    status = check_first_line(fd, path, first_line, err);
    if (status != SNAP_OK)
        return status;
    if ((uint64_t)seen.st_size > text_bytes_max)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: has %" PRIu64 " bytes, and more than %" PRIu64 " are not read: move it "
                         "away, or name another file", path, (uint64_t)seen.st_size, text_bytes_max);
    file->old = (struct snap_folder_entry){.exists = true, .mode = seen.st_mode, .device = seen.st_dev,
                                           .inode = seen.st_ino};
    return read_text(file, fd, (uint64_t)seen.st_size, err);
}

static enum snap_status look_at_old(struct snap_replace *file, const char *first_line, uint64_t text_bytes_max,
                                    struct snap_error *err)
{
    const struct snap_folder *folder = file->folder;
    const int fd = openat(folder->fd, folder->name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 && errno == ENOENT)
        return SNAP_OK;
    if (fd < 0 && errno == ELOOP)
        return snap_fail(err, SNAP_E_REFUSED, "%s: is a symbolic link: it is not followed and not replaced; name the "
                         "file itself",
                         folder->path);
    if (fd < 0)
        return snap_fail_errno(err, errno, "%s", folder->path);
    file->old_fd = fd;
    return take_old(file, fd, first_line, text_bytes_max, err);
}

enum snap_status snap_replace_open(struct snap_replace **file, const char *path, const char *first_line,
                                   uint64_t text_bytes_max, struct snap_error *err)
{
    struct snap_replace *opened = calloc(1, sizeof *opened);
    enum snap_status status;

    *file = NULL;
    if (!opened)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to look at it", path);
    opened->old_fd = -1;
    status = snap_folder_open(&opened->folder, path, err);
    if (status == SNAP_OK)
        status = snap_folder_takes_files(opened->folder, err);
    if (status == SNAP_OK)
        status = look_at_old(opened, first_line, text_bytes_max, err);
    if (status != SNAP_OK) {
        snap_replace_close(opened);
        return status;
    }
    *file = opened;
    return SNAP_OK;
}

static enum snap_status write_text(const struct snap_new_file *made, const char *text, struct snap_error *err)
{
    size_t left = strlen(text);

    while (left > 0) {
        ssize_t count = write(made->fd, text, left);

        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return snap_fail_errno(err, errno, "%s: cannot be written", made->folder->path);
        text += count;
        left -= (size_t)count;
    }
    return SNAP_OK;
}

/*
 * A descriptor that only holds the file. It is opened by its name, if that is still this file's: /proc never tells a
 * name of one that was made without.
 */
static int hold(const struct snap_new_file *made)
{
    const int fd = openat(made->folder->fd, made->folder->name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    struct stat seen;

    if (fd >= 0 && fstat(fd, &seen) == 0 && seen.st_dev == made->device && seen.st_ino == made->inode)
        return fd;
    if (fd >= 0)
        (void)close(fd); /* only a path */
    return fcntl(made->fd, F_DUPFD_CLOEXEC, 0);
}

/* What was written is the file that the next text replaces. */
static void take_new(struct snap_replace *file, const struct snap_new_file *made)
{
    const int fd = hold(made);

    if (file->old_fd >= 0)
        (void)close(file->old_fd); /* was only read, or is durable */
    file->old_fd = fd; /* without it the number is compared all the same */
    file->old = (struct snap_folder_entry){.exists = true, .mode = S_IFREG, .device = made->device,
                                           .inode = made->inode};
    file->written = true;
}

enum snap_status snap_replace_write(struct snap_replace *file, const char *text, struct snap_error *err)
{
    struct snap_new_file *made;
    enum snap_status status = snap_new_file_make_nameless(&made, file->folder, err), closed;

    if (status != SNAP_OK)
        return status;
    status = write_text(made, text, err);
    if (status == SNAP_OK)
        status = snap_new_file_place(made, &file->old, err);
    if (made->placed)
        take_new(file, made);
    closed = snap_new_file_close(made, status == SNAP_OK ? err : NULL);
    return status != SNAP_OK ? status : closed;
}

void snap_replace_close(struct snap_replace *file)
{
    if (!file)
        return;
    if (file->old_fd >= 0)
        (void)close(file->old_fd); /* was only read, or is durable */
    snap_folder_close(file->folder);
    free(file->text);
    free(file);
}

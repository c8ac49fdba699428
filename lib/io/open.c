/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens block devices and images so that nobody else writes them and that direct I/O is used where it works. */
#include "lib/io/open_private.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/ioctl.h"
#include "lib/base/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

/* For file systems that do not tell: what every one of them takes that knows direct I/O at all. */
#define IMAGE_ALIGN_BYTES 4096u

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISCHR(mode))
        return "a character device";
    if (S_ISFIFO(mode))
        return "a named pipe";
    return S_ISSOCK(mode) ? "a socket" : "something else";
}

/* What is opened is what was looked up: names in /dev change while devices come and go. */
static enum snap_status open_same(int *fd, const struct snap_lookup *found, const char *path, int flags,
                                  struct snap_error *err)
{
    const int opened = snap_lookup_reopen(found, flags);

    *fd = opened < 0 ? -1 : opened;
    if (opened >= 0)
        return SNAP_OK;
    if (opened == -ESTALE)
        return snap_fail(err, SNAP_E_BUSY, "%s: became another device or file while it was opened", path);
    if (opened == -EBUSY)
        return snap_fail_errno(err, EBUSY, "%s: in use: mounted, or held by another device or program", path);
    return snap_fail_errno(err, -opened, "%s: cannot open for %s", path,
                           (flags & O_ACCMODE) == O_RDWR ? "writing" : "reading");
}

static bool held_alone(const struct snap_file_options *options)
{
    return !options->held && (options->write || options->exclusive || options->foresee);
}

/*
 * Only the permission is looked at: when a device that was open for writing is closed, the system scans it anew.
 */
static enum snap_status foresee_block(const struct snap_lookup *found, const char *path, struct snap_error *err)
{
    if (faccessat(found->fd, "", W_OK, AT_EACCESS | AT_EMPTY_PATH) == 0 || errno == ENOSYS || errno == EINVAL)
        return SNAP_OK;
    return snap_fail_errno(err, errno, "%s: cannot open for writing", path);
}

static enum snap_status block_figures(struct snap_opened *opened, const char *path, bool to_write,
                                      struct snap_error *err)
{
    int block_bytes = 0, read_only = 0;
    uint64_t size_bytes = 0;

    if (to_write && ioctl(opened->direct_fd, BLKROGET, &read_only) == 0 && read_only)
        return snap_fail_errno(err, EROFS, "%s: the device is set read-only", path);
    if (ioctl(opened->direct_fd, SNAP_IOCTL_REQUEST(BLKGETSIZE64), &size_bytes) != 0)
        return snap_fail_errno(err, errno, "%s: cannot tell its size", path);
    if (ioctl(opened->direct_fd, BLKSSZGET, &block_bytes) != 0)
        return snap_fail_errno(err, errno, "%s: cannot tell its logical block size", path);
    if (block_bytes < (int)SNAP_SECTOR_BYTES || !snap_is_pow2((uint64_t)block_bytes))
        return snap_fail(err, SNAP_E_UNSUPPORTED, "%s: logical block size of %d bytes; a power of two from 512 on is"
                         " needed", path, block_bytes);
    opened->size_bytes = size_bytes;
    opened->logical_block_bytes = (uint32_t)block_bytes;
    opened->direct_align_bytes = (uint32_t)block_bytes;
    opened->memory_align_bytes = (uint32_t)snap_min((uint64_t)block_bytes, IMAGE_ALIGN_BYTES);
    return SNAP_OK;
}

/*
 * Two descriptors: the direct one for all requests, and one for those who only ask (its size, the loop driver). Nothing
 * is read through that one: what the page cache holds may be older than what device-mapper has written underneath.
 */
static enum snap_status open_block(struct snap_opened *opened, const struct snap_lookup *found, const char *path,
                                   const struct snap_file_options *options, struct snap_error *err)
{
    int flags = (options->write ? O_RDWR : O_RDONLY) | (held_alone(options) ? O_EXCL : 0);
    enum snap_status status = options->foresee ? foresee_block(found, path, err) : SNAP_OK;

    if (status == SNAP_OK)
        status = open_same(&opened->direct_fd, found, path, flags | O_DIRECT, err);

    if (status != SNAP_OK)
        return status;
    status = block_figures(opened, path, options->write || options->foresee, err);
    if (status != SNAP_OK)
        return status;
    status = open_same(&opened->fd, found, path, O_RDONLY, err);
    if (status != SNAP_OK)
        return status;
    opened->rotational = snap_sysfs_rotational("", found->number);
    return SNAP_OK;
}

/*
 * A write lock keeps every other user out, a read lock the writers. The lock belongs to the open file description,
 * not to the process: closing another descriptor of the same file does not lose it.
 */
static enum snap_status lock_image(int fd, const char *path, bool alone, bool required, struct snap_error *err)
{
    struct flock lock = {.l_type = (short)(alone ? F_WRLCK : F_RDLCK), .l_whence = SEEK_SET};

    if (fcntl(fd, F_OFD_SETLK, &lock) == 0)
        return SNAP_OK;
    if (errno == EAGAIN || errno == EACCES)
        return snap_fail(err, SNAP_E_BUSY, "%s: in use: another program holds a lock on it", path);
    /* A reader can do without on a file system that has no locks; who writes must know to be alone. */
    return required ? snap_fail_errno(err, errno, "%s: cannot lock the image", path) : SNAP_OK;
}

/* Whether the image may be opened for writing, and nobody's lock would be in the way then. */
static enum snap_status foresee_image(int fd, const struct snap_lookup *found, const char *path,
                                      struct snap_error *err)
{
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int writing_fd;
    enum snap_status status = open_same(&writing_fd, found, path, O_RDWR, err);

    if (status != SNAP_OK)
        return status;
    (void)close(writing_fd); /* nothing was written through it */
    if (fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
        return snap_fail(err, SNAP_E_BUSY, "%s: in use: another program holds a lock on it", path);
    return SNAP_OK;
}

/*
 * Who writes keeps everybody out. Who only reads keeps the writers out, and never has the image open for writing; to
 * hold it exclusively then means that there must be such a lock.
 */
static enum snap_status open_image_buffered(struct snap_opened *opened, const struct snap_lookup *found,
                                            const char *path, const struct snap_file_options *options,
                                            struct snap_error *err)
{
    enum snap_status status = SNAP_OK;

    if (opened->fd < 0) /* the descriptor that made a new file is used to the end */
        status = open_same(&opened->fd, found, path, options->write ? O_RDWR : O_RDONLY, err);
    if (status != SNAP_OK || options->held)
        return status;
    status = lock_image(opened->fd, path, options->write, held_alone(options), err);
    return status == SNAP_OK && options->foresee ? foresee_image(opened->fd, found, path, err) : status;
}

/* What the kernel says of direct I/O on this file; 4096 bytes for everything where it says nothing. */
static bool image_alignment(struct snap_opened *opened)
{
    opened->direct_align_bytes = IMAGE_ALIGN_BYTES;
    opened->memory_align_bytes = IMAGE_ALIGN_BYTES;
#ifdef STATX_DIOALIGN
    struct statx answer;

    if (statx(opened->fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &answer) == 0 && answer.stx_mask & STATX_DIOALIGN) {
        if (!snap_is_pow2(answer.stx_dio_offset_align) || !snap_is_pow2(answer.stx_dio_mem_align))
            return false;
        opened->direct_align_bytes = (uint32_t)snap_max(answer.stx_dio_offset_align, SNAP_SECTOR_BYTES);
        opened->memory_align_bytes = (uint32_t)snap_max(answer.stx_dio_mem_align, SNAP_SECTOR_BYTES);
    }
#endif
    return true;
}

/* A file system may take O_DIRECT at open and refuse it at the first request: only a request is proof. */
static bool direct_read_works(const struct snap_opened *opened)
{
    uint64_t align_bytes = snap_max(opened->direct_align_bytes, opened->memory_align_bytes);
    void *buffer;
    ssize_t bytes;

    if (opened->size_bytes < align_bytes)
        return false;
    buffer = snap_buffer_new(align_bytes);
    if (!buffer)
        return false;
    do
        bytes = pread(opened->direct_fd, buffer, (size_t)align_bytes, 0);
    while (bytes < 0 && errno == EINTR);
    snap_buffer_free(buffer);
    /* A bad sector says nothing about alignment; who reads it for its content will meet it. */
    return bytes > 0 || (bytes < 0 && errno == EIO);
}

static enum snap_status open_image_direct(struct snap_opened *opened, const struct snap_lookup *found,
                                          const char *path, bool write, struct snap_error *err)
{
    enum snap_status status;
    struct snap_error failure;

    if (!image_alignment(opened))
        return SNAP_OK;
    status = open_same(&opened->direct_fd, found, path, (write ? O_RDWR : O_RDONLY) | O_DIRECT, &failure);
    if (status != SNAP_OK && failure.sys_errno == EINVAL)
        return SNAP_OK;
    if (status != SNAP_OK) {
        if (err)
            *err = failure;
        return status;
    }
    if (direct_read_works(opened)) {
        /* Only odd ends go through the page cache now: reading ahead there would be for nothing. */
        (void)posix_fadvise(opened->fd, 0, 0, POSIX_FADV_RANDOM);
        return SNAP_OK;
    }
    (void)close(opened->direct_fd);
    opened->direct_fd = -1;
    return SNAP_OK;
}

static enum snap_status open_image(struct snap_opened *opened, const struct snap_lookup *found, const char *path,
                                   const struct snap_file_options *options, struct snap_error *err)
{
    enum snap_status status = open_image_buffered(opened, found, path, options, err);
    struct stat now;

    if (status != SNAP_OK)
        return status;
    if (fstat(opened->fd, &now) != 0) /* the size that counts is the one under the lock */
        return snap_fail_errno(err, errno, "%s: cannot tell its size", path);
    opened->size_bytes = (uint64_t)now.st_size;
    opened->logical_block_bytes = SNAP_SECTOR_BYTES;
    opened->memory_align_bytes = SNAP_SECTOR_BYTES;
    opened->rotational = snap_sysfs_rotational("", found->device);
    if (options->buffered)
        return SNAP_OK;
    status = open_image_direct(opened, found, path, options->write, err);
    if (opened->direct_fd < 0)
        opened->memory_align_bytes = SNAP_SECTOR_BYTES;
    return status;
}

enum snap_status snap_open(struct snap_opened *opened, const struct snap_lookup *found, int made_fd, const char *path,
                           const struct snap_file_options *options, struct snap_error *err)
{
    enum snap_status status;

    *opened = (struct snap_opened){.fd = made_fd, .direct_fd = -1};
    opened->block_device = S_ISBLK(found->mode);
    opened->device_number = opened->block_device ? found->number : 0;
    opened->file_device = found->device;
    opened->file_inode = found->inode;
    /* Before it is opened: opening a pipe hangs, opening a character device may do things. */
    if (!S_ISBLK(found->mode) && !S_ISREG(found->mode))
        status = snap_fail(err, SNAP_E_USAGE, "%s: is %s; a block device or a regular file is needed", path,
                           kind_of(found->mode));
    else
        status = opened->block_device ? open_block(opened, found, path, options, err)
                                      : open_image(opened, found, path, options, err);
    if (status != SNAP_OK)
        (void)snap_open_close(opened, path, NULL); /* the first failure is the one to tell */
    return status;
}

enum snap_status snap_open_close(struct snap_opened *opened, const char *path, struct snap_error *err)
{
    int sys_errno = 0;

    /* Linux closes in every case, also where close reports an interruption or a late write error. */
    if (opened->direct_fd >= 0 && close(opened->direct_fd) != 0)
        sys_errno = errno;
    if (opened->fd >= 0 && close(opened->fd) != 0 && sys_errno == 0)
        sys_errno = errno;
    opened->direct_fd = -1;
    opened->fd = -1;
    return sys_errno && sys_errno != EINTR ? snap_fail_errno(err, sys_errno, "%s: close failed", path) : SNAP_OK;
}

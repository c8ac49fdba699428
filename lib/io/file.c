/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An open device or image: opening, durability, size, holes. What requests on it do is in file_transfer.c. */
#include "lib/io/file.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/io/file_private.h"
#include "lib/io/shrunk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct snap_io_file *file_of(struct snap_io *io)
{
    return (struct snap_io_file *)io;
}

/*
 * One descriptor stands for all: dirty pages and the disk's cache belong to the file, and each open file
 * description is told once of every failed write-back since it was opened. What was written where an image is cut off
 * now is not durable: whoever relies on a flush, to shorten a list above all, must not go on then.
 */
static enum snap_status file_flush(struct snap_io *io, struct snap_error *err)
{
    struct snap_io_file *file = file_of(io);
    enum snap_status status;
    int failed;

    if (!io->writable)
        return SNAP_OK; /* nothing was written through this object */
    failed = (file->opened.block_device ? fsync(file->opened.direct_fd) : fdatasync(file->opened.fd)) ? errno : 0;
    status = snap_shrunk_check(&file->opened, file->name, err);
    return status == SNAP_OK && failed ? snap_fail_errno(err, failed, "%s: flush failed", file->name) : status;
}

static void free_file(struct snap_io_file *file)
{
    if (file->engine)
        file->engine->ops->close(file->engine);
    snap_buffer_free(file->bounce);
    free(file->raw);
    free(file->raw_of);
    free(file->name);
    free(file);
}

static enum snap_status file_close(struct snap_io *io, struct snap_error *err)
{
    struct snap_io_file *file = file_of(io);
    enum snap_status status = snap_open_close(&file->opened, file->name, err);

    free_file(file);
    return status;
}

static enum snap_status start_engine(struct snap_io_file *file, const struct snap_file_options *options,
                                     struct snap_error *err)
{
    unsigned depth = options->queue_depth ? options->queue_depth : SNAP_QUEUE_DEPTH_DEFAULT;
    int failed = 0;

    depth = depth < SNAP_QUEUE_DEPTH_MAX ? depth : SNAP_QUEUE_DEPTH_MAX;
    if (options->engine != SNAP_IO_ENGINE_THREADS) {
        file->engine_kind = SNAP_IO_ENGINE_URING;
        failed = snap_engine_open_uring(&file->engine, depth);
        if (failed == 0)
            return SNAP_OK;
        if (options->engine == SNAP_IO_ENGINE_URING)
            return snap_fail(err, SNAP_E_UNSUPPORTED, "%s: io_uring is %s; threads do the same", file->name,
                             failed == ENOSYS       ? "missing in this kernel"
                             : failed == EOPNOTSUPP ? "missing in this build, which lacks liburing"
                             : failed == EPERM      ? "forbidden on this system"
                                                    : "not to be had now");
    }
    file->engine_kind = SNAP_IO_ENGINE_THREADS;
    failed = snap_engine_open_threads(&file->engine, depth);
    return failed ? snap_fail_errno(err, failed, "%s: cannot prepare threads", file->name) : SNAP_OK;
}

/* `made_fd` belongs to the io from now on, also after a failure; -1: none. */
static enum snap_status open_file(struct snap_io **io, const struct snap_lookup *found, int made_fd, const char *path,
                                  const struct snap_file_options *options, struct snap_error *err)
{
    static const struct snap_io_ops ops = {.transfer = snap_file_transfer, .transfer_shares = snap_file_transfer_shares,
                                           .flush = file_flush, .next_data = snap_file_next_data, .close = file_close};
    struct snap_io_file *file = calloc(1, sizeof *file);
    enum snap_status status;

    if (!file || !(file->name = strdup(path))) {
        free(file);
        if (made_fd >= 0)
            (void)close(made_fd); /* only a second one */
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory to open it", path);
    }
    status = snap_open(&file->opened, found, made_fd, path, options, err);
    if (status != SNAP_OK) {
        free_file(file);
        return status;
    }
    file->io = (struct snap_io){
        .ops = &ops,
        .name = file->name,
        .size_bytes = file->opened.size_bytes,
        .logical_block_bytes = file->opened.logical_block_bytes,
        .memory_align_bytes = file->opened.memory_align_bytes,
        .writable = options->write,
        .rotational = file->opened.rotational,
    };
    status = start_engine(file, options, err);
    if (status != SNAP_OK) {
        (void)file_close(&file->io, NULL); /* nothing was written: the first failure is the one to tell */
        return status;
    }
    *io = &file->io;
    return SNAP_OK;
}

enum snap_status snap_file_open_found(struct snap_io **io, const struct snap_lookup *found,
                                      const struct snap_file_options *options, struct snap_error *err)
{
    return open_file(io, found, -1, found->path, options, err);
}

enum snap_status snap_file_open(struct snap_io **io, const char *path, const struct snap_file_options *options,
                                struct snap_error *err)
{
    struct snap_lookup *found;
    enum snap_status status = snap_lookup_new(&found, path, err);

    if (status == SNAP_OK)
        status = snap_file_open_found(io, found, options, err);
    snap_lookup_free(found);
    return status;
}

enum snap_status snap_file_open_new(struct snap_io **io, const struct snap_new_file *file, uint64_t size_bytes,
                                    const struct snap_file_options *options, struct snap_error *err)
{
    const struct snap_lookup found = snap_new_file_lookup(file);
    struct snap_file_options writing = *options;
    int made_fd;

    writing.write = true;
    if (size_bytes > INT64_MAX || ftruncate(file->fd, (off_t)size_bytes) != 0)
        return snap_fail_errno(err, size_bytes > INT64_MAX ? EFBIG : errno, "%s: cannot give it %" PRIu64 " bytes",
                               file->path, size_bytes);
    made_fd = fcntl(file->fd, F_DUPFD_CLOEXEC, 0);
    if (made_fd < 0)
        return snap_fail_errno(err, errno, "%s: cannot open it", file->path);
    return open_file(io, &found, made_fd, file->path, &writing, err);
}

enum snap_status snap_file_reserve(struct snap_io *io, struct snap_error *err)
{
    const struct snap_io_file *file = file_of(io);
    int failed;

    if (file->opened.block_device)
        return SNAP_OK;
    do
        failed = posix_fallocate(file->opened.fd, 0, (off_t)io->size_bytes);
    while (failed == EINTR);
    return failed ? snap_fail_errno(err, failed, "%s: cannot reserve its %" PRIu64 " bytes", file->name, io->size_bytes)
                  : SNAP_OK;
}

void snap_file_get_info(const struct snap_io *io, struct snap_file_info *info)
{
    const struct snap_io_file *file = (const struct snap_io_file *)io;

    *info = (struct snap_file_info){
        .block_device = file->opened.block_device,
        .direct = file->opened.direct_fd >= 0,
        .engine = file->engine_kind,
        .device_number = file->opened.device_number,
        .file_device = file->opened.file_device,
        .file_inode = file->opened.file_inode,
    };
}

enum snap_status snap_file_size_now(const struct snap_io *io, uint64_t *size_bytes, struct snap_error *err)
{
    const int fd = snap_file_fd(io);
    const off_t end = lseek(fd, 0, SEEK_END); /* of a block device, too; nobody reads at the descriptor's position */

    if (end < 0)
        return snap_fail_errno(err, errno, "%s: cannot tell its size", io->name);
    *size_bytes = (uint64_t)end;
    return SNAP_OK;
}

enum snap_status snap_file_keeps_size(const struct snap_io *io, struct snap_error *err)
{
    const struct snap_io_file *file = (const struct snap_io_file *)io;

    return snap_shrunk_check(&file->opened, file->name, err);
}

int snap_file_fd(const struct snap_io *io)
{
    return ((const struct snap_io_file *)io)->opened.fd;
}

enum snap_status snap_file_next_data(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                        uint64_t *length_bytes, struct snap_error *err)
{
    const struct snap_io_file *file = (const struct snap_io_file *)io;
    off_t start, end;

    *start_bytes = snap_min(offset_bytes, io->size_bytes);
    *length_bytes = io->size_bytes - *start_bytes;
    if (*length_bytes == 0 || file->opened.block_device)
        return SNAP_OK;
    start = lseek(file->opened.fd, (off_t)offset_bytes, SEEK_DATA);
    if (start < 0 && errno == ENXIO) { /* only a hole follows */
        *start_bytes = io->size_bytes;
        *length_bytes = 0;
        return snap_shrunk_check(&file->opened, file->name, err); /* or nothing at all */
    }
    if (start < 0 && (errno == EINVAL || errno == EOPNOTSUPP))
        return SNAP_OK;
    end = start < 0 ? -1 : lseek(file->opened.fd, start, SEEK_HOLE);
    if (end < 0)
        return snap_fail_errno(err, errno, "%s: looking for holes at byte %" PRIu64, file->name, offset_bytes);
    *start_bytes = snap_min((uint64_t)start, io->size_bytes);
    *length_bytes = snap_min((uint64_t)end, io->size_bytes) - *start_bytes;
    return SNAP_OK;
}

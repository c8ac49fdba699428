/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests on an open device or image: which way each goes (direct, cached, bounced), and what came of it. */
#include "lib/io/file.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/io/bounce_private.h"
#include "lib/io/engine_private.h"
#include "lib/io/open_private.h"
#include "lib/io/shrunk_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BATCH_REQUESTS 4096u      /* handed to the engine at once; bounds the memory of a long vector */

enum route { ROUTE_DIRECT, ROUTE_BUFFERED, ROUTE_BOUNCE, ROUTE_REFUSED };

struct snap_io_file {
    struct snap_io io;
    struct snap_opened opened;
    enum snap_io_engine engine_kind;
    struct snap_engine *engine;
    struct snap_engine_request *raw; /* one batch */
    size_t *raw_index;            /* which request of the vector each is */
    size_t raw_capacity;
    char *bounce;                 /* at first use */
    char *name;
};

static struct snap_io_file *file_of(struct snap_io *io)
{
    return (struct snap_io_file *)io;
}

/* Each element on its own: before Linux 6.0, direct I/O asks for whole blocks per element. */
static bool memory_aligned(const struct snap_opened *opened, const struct snap_io_request *request)
{
    for (unsigned i = 0; i < request->iov_count; i++) {
        if ((uintptr_t)request->iov[i].iov_base % opened->memory_align_bytes != 0 ||
            request->iov[i].iov_len % opened->direct_align_bytes != 0)
            return false;
    }
    return true;
}

static enum route route_of(const struct snap_opened *opened, const struct snap_io_request *request)
{
    bool range_aligned;

    if (opened->direct_fd < 0)
        return ROUTE_BUFFERED;
    range_aligned = request->offset_bytes % opened->direct_align_bytes == 0 &&
                    snap_io_request_bytes(request) % opened->direct_align_bytes == 0;
    if (range_aligned && memory_aligned(opened, request))
        return ROUTE_DIRECT;
    if (!opened->block_device)
        return ROUTE_BUFFERED;
    /* Widening a write means to read, change and write back what is not the caller's: not atomic, so not done. */
    return range_aligned || request->kind == SNAP_IO_READ ? ROUTE_BOUNCE : ROUTE_REFUSED;
}

static enum snap_status reserve_batch(struct snap_io_file *file, size_t count, struct snap_error *err)
{
    size_t capacity = (size_t)snap_min(count, BATCH_REQUESTS);
    struct snap_engine_request *raw;
    size_t *raw_index;

    if (capacity <= file->raw_capacity)
        return SNAP_OK;
    raw = malloc(capacity * sizeof *raw);
    raw_index = malloc(capacity * sizeof *raw_index);
    if (!raw || !raw_index) {
        free(raw);
        free(raw_index);
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for %zu requests", file->name, count);
    }
    free(file->raw);
    free(file->raw_index);
    file->raw = raw;
    file->raw_index = raw_index;
    file->raw_capacity = capacity;
    return SNAP_OK;
}

static void run_batch(struct snap_io_file *file, struct snap_io_request *requests, size_t batched)
{
    if (batched > 0)
        file->engine->ops->run(file->engine, file->raw, batched);
    for (size_t i = 0; i < batched; i++)
        requests[file->raw_index[i]].sys_errno = file->raw[i].sys_errno;
}

/* Runs all requests of one route; those that have failed already are left alone. */
static void run_route(struct snap_io_file *file, enum route route, int fd,
                      struct snap_io_request *requests, size_t count)
{
    size_t batched = 0;

    for (size_t i = 0; i < count; i++) {
        if (requests[i].sys_errno || route_of(&file->opened, &requests[i]) != route)
            continue;
        file->raw[batched] = (struct snap_engine_request){
            .kind = requests[i].kind,
            .fd = fd,
            .offset_bytes = requests[i].offset_bytes,
            .iov = requests[i].iov,
            .iov_count = requests[i].iov_count,
        };
        snap_engine_request_init(&file->raw[batched]);
        file->raw_index[batched++] = i;
        if (batched == file->raw_capacity) {
            run_batch(file, requests, batched);
            batched = 0;
        }
    }
    run_batch(file, requests, batched);
}

/* What the first failed request failed with; for all of them, where the device is not what it was. */
static enum snap_status first_failure(const struct snap_io_file *file, struct snap_io_request *requests, size_t count,
                                      struct snap_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *verb = requests[i].kind == SNAP_IO_READ ? "reading" : "writing";
        uint64_t length_bytes = snap_io_request_bytes(&requests[i]);

        if (requests[i].sys_errno &&
            snap_shrunk_explain(&file->opened, file->name, requests, count, err) != SNAP_OK)
            return SNAP_E_CHANGED;
        if (requests[i].sys_errno == EOPNOTSUPP)
            return snap_fail_errno(err, EOPNOTSUPP, "%s: %s %" PRIu64 " bytes at byte %" PRIu64
                                   ", where the device has blocks of %" PRIu32 " bytes",
                                   file->name, verb, length_bytes, requests[i].offset_bytes,
                                   file->io.logical_block_bytes);
        if (requests[i].sys_errno)
            return snap_fail_errno(err, requests[i].sys_errno, "%s: %s %" PRIu64 " bytes at byte %" PRIu64,
                                   file->name, verb, length_bytes, requests[i].offset_bytes);
    }
    return SNAP_OK;
}

/*
 * The ways are taken one after the other, never at the same time. The kernel keeps direct and buffered I/O on one
 * file coherent as long as they do not overlap in time, even on different bytes of a page: a direct write first
 * writes back and drops the pages it covers, a direct read writes them back, and a page dropped is read anew. At
 * the same time, a buffered write could read the page's other bytes from the disk before a direct write changes
 * them there, and write the old ones back later.
 */
static enum snap_status file_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                      struct snap_error *err)
{
    struct snap_io_file *file = file_of(io);
    bool buffered = false;
    enum snap_status status = reserve_batch(file, count, err);

    if (status != SNAP_OK) {
        for (size_t i = 0; i < count; i++)
            requests[i].sys_errno = ENOMEM;
        return status;
    }
    status = snap_shrunk_refuse(&file->opened, file->name, requests, count, err);
    if (status != SNAP_OK)
        return status;
    run_route(file, ROUTE_DIRECT, file->opened.direct_fd, requests, count);
    for (size_t i = 0; i < count; i++) {
        enum route route = route_of(&file->opened, &requests[i]);

        buffered |= route == ROUTE_BUFFERED;
        if (route == ROUTE_BOUNCE)
            requests[i].sys_errno = snap_bounce_run(&file->opened, &file->bounce, &requests[i]);
        else if (route == ROUTE_REFUSED)
            requests[i].sys_errno = EOPNOTSUPP;
    }
    if (buffered)
        run_route(file, ROUTE_BUFFERED, file->opened.fd, requests, count);
    return first_failure(file, requests, count, err);
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
    free(file->raw_index);
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
    static const struct snap_io_ops ops = {.transfer = file_transfer, .flush = file_flush,
                                           .next_data = snap_file_next_data, .close = file_close};
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

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes to standard output, from start to end. */
#include "tools/output/stream.h"

#include "lib/base/bytes.h"

#include <errno.h>
#include <unistd.h>

static enum snap_status stream_write(const struct snap_io_request *request, struct snap_error *err)
{
    for (unsigned i = 0; i < request->iov_count; i++) {
        const uint8_t *bytes = request->iov[i].iov_base;
        size_t left_bytes = request->iov[i].iov_len;

        while (left_bytes > 0) {
            ssize_t written = write(STDOUT_FILENO, bytes, left_bytes);

            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return snap_fail_errno(err, errno, "standard output");
            bytes += written;
            left_bytes -= (size_t)written;
        }
    }
    return SNAP_OK;
}

static enum snap_status stream_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                        struct snap_error *err)
{
    struct output_stream *stream = (struct output_stream *)io;

    for (size_t i = 0; i < count; i++) {
        enum snap_status status;

        if (requests[i].kind != SNAP_IO_WRITE || requests[i].offset_bytes != stream->at_bytes)
            return snap_fail(err, SNAP_E_INTERNAL, "standard output: only written from start to end");
        status = stream_write(&requests[i], err);
        if (status != SNAP_OK)
            return status;
        stream->at_bytes += snap_io_request_bytes(&requests[i]);
    }
    return SNAP_OK;
}

/* Each write has been handed over; a pipe keeps nothing. */
static enum snap_status stream_flush(struct snap_io *io, struct snap_error *err)
{
    (void)io;
    (void)err;
    return SNAP_OK;
}

/* The frame closes standard output, and tells what fails then. */
static enum snap_status stream_close(struct snap_io *io, struct snap_error *err)
{
    (void)io;
    (void)err;
    return SNAP_OK;
}

struct snap_io *output_stream_open(struct output_stream *stream, uint64_t size_bytes)
{
    static const struct snap_io_ops ops = {
        .transfer = stream_transfer, .flush = stream_flush, .close = stream_close};

    *stream = (struct output_stream){.io = {.ops = &ops,
                                            .name = "standard output",
                                            .size_bytes = size_bytes,
                                            .logical_block_bytes = SNAP_SECTOR_BYTES,
                                            .memory_align_bytes = SNAP_SECTOR_BYTES,
                                            .writable = true}};
    return &stream->io;
}

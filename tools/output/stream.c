/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes to standard output, from start to end. */
#include "tools/output/stream.h"

#include "lib/base/bytes.h"
#include "tools/cli/streams.h"

#include <string.h>

bool output_stream_is(const char *place)
{
    return place && strcmp(place, OUTPUT_STREAM_NAME) == 0;
}

int output_stream_check(struct cli *cli, const char *option, const char *place, bool *json, bool verify)
{
    if (!output_stream_is(place))
        return CLI_EXIT_OK;
    if (*json) {
        *json = false;
        return cli_usage_error(cli, "%s - and --json cannot be used together: both go to standard output", option);
    }
    return verify ? cli_usage_error(cli, "%s - and --verify cannot be used together: a stream cannot be read back",
                                    option)
                  : CLI_EXIT_OK;
}

static enum snap_status stream_write(const struct output_stream *stream, const struct snap_io_request *request,
                                     struct snap_error *err)
{
    for (unsigned i = 0; i < request->iov_count; i++)
        if (fwrite(request->iov[i].iov_base, 1, request->iov[i].iov_len, stream->out) != request->iov[i].iov_len)
            return cli_stream_fail(stream->out, "standard output", err);
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
        status = stream_write(stream, &requests[i], err);
        if (status != SNAP_OK)
            return status;
        stream->at_bytes += snap_io_request_bytes(&requests[i]);
    }
    return SNAP_OK;
}

/* All of it is handed over; whether it arrives is asked when the stream is closed, at the end of the program. */
static enum snap_status stream_flush(struct snap_io *io, struct snap_error *err)
{
    const struct output_stream *stream = (struct output_stream *)io;

    return fflush(stream->out) == 0 ? SNAP_OK : cli_stream_fail(stream->out, "standard output", err);
}

/* The frame closes standard output, and tells what fails then. */
static enum snap_status stream_close(struct snap_io *io, struct snap_error *err)
{
    (void)io;
    (void)err;
    return SNAP_OK;
}

struct snap_io *output_stream_open(struct output_stream *stream, FILE *out, uint64_t size_bytes)
{
    static const struct snap_io_ops ops = {
        .transfer = stream_transfer, .flush = stream_flush, .close = stream_close};

    *stream = (struct output_stream){.io = {.ops = &ops,
                                            .name = "standard output",
                                            .size_bytes = size_bytes,
                                            .logical_block_bytes = SNAP_SECTOR_BYTES,
                                            .memory_align_bytes = SNAP_SECTOR_BYTES,
                                            .writable = true},
                                     .out = out};
    return &stream->io;
}

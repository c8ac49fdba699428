/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device that changes one byte of a write that it hands on. */
#include "tests/crash/altered_write.h"

#include "tests/support/io_mem.h"

#include <stdlib.h>

struct altered_write {
    struct snap_io io;
    struct snap_io *lower;
    uint64_t writes_left; /* before the one that is changed */
    bool happened, ended;
};

/* The same write with another byte in its middle. */
static enum snap_status alter(struct altered_write *altered, const struct snap_io_request *request,
                              struct snap_error *err)
{
    const uint64_t length_bytes = snap_io_request_bytes(request);
    uint8_t *flat = test_calloc(1, (size_t)length_bytes);
    enum snap_status status;

    test_write_from(request, flat);
    flat[length_bytes / 2] ^= 0x40;
    status = snap_io_write(altered->lower, request->offset_bytes, length_bytes, flat, err);
    free(flat);
    altered->happened = true;
    return status;
}

static enum snap_status altered_write_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                               struct snap_error *err)
{
    struct altered_write *altered = (struct altered_write *)io;
    enum snap_status status = snap_io_transfer(altered->lower, requests, count, err);

    for (size_t i = 0; i < count && status == SNAP_OK; i++)
        if (requests[i].kind == SNAP_IO_WRITE && !altered->happened && !altered->ended && altered->writes_left-- == 0)
            status = alter(altered, &requests[i], err);
    return status;
}

static enum snap_status altered_write_flush(struct snap_io *io, struct snap_error *err)
{
    return snap_io_flush(((struct altered_write *)io)->lower, err);
}

static enum snap_status altered_write_close(struct snap_io *io, struct snap_error *err)
{
    enum snap_status status = snap_io_close(((struct altered_write *)io)->lower, err);

    free(io);
    return status;
}

struct snap_io *altered_write_new(struct snap_io *lower, uint64_t write)
{
    static const struct snap_io_ops ops = {
        .transfer = altered_write_transfer, .flush = altered_write_flush, .close = altered_write_close};
    struct altered_write *altered = test_calloc(1, sizeof *altered);

    altered->io = *lower;
    altered->io.ops = &ops;
    altered->lower = lower;
    altered->writes_left = write;
    return &altered->io;
}

bool altered_write_happened(const struct snap_io *io)
{
    return ((const struct altered_write *)io)->happened;
}

void altered_write_end(struct snap_io *io)
{
    ((struct altered_write *)io)->ended = true;
}

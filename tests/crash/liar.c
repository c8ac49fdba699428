/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lying device. */
#include "tests/crash/liar.h"

#include "tests/support/io_mem.h"

#include <stdlib.h>

struct liar {
    struct snap_io io;
    struct snap_io *lower;
    uint64_t writes_left; /* before the lie */
    bool lied, reformed;
};

/* The same write with another byte in its middle. */
static enum snap_status lie(struct liar *liar, const struct snap_io_request *request, struct snap_error *err)
{
    const uint64_t length_bytes = snap_io_request_bytes(request);
    uint8_t *flat = test_calloc(1, (size_t)length_bytes);
    enum snap_status status;

    test_write_from(request, flat);
    flat[length_bytes / 2] ^= 0x40;
    status = snap_io_write(liar->lower, request->offset_bytes, length_bytes, flat, err);
    free(flat);
    liar->lied = true;
    return status;
}

static enum snap_status liar_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                      struct snap_error *err)
{
    struct liar *liar = (struct liar *)io;
    enum snap_status status = snap_io_transfer(liar->lower, requests, count, err);

    for (size_t i = 0; i < count && status == SNAP_OK; i++)
        if (requests[i].kind == SNAP_IO_WRITE && !liar->lied && !liar->reformed && liar->writes_left-- == 0)
            status = lie(liar, &requests[i], err);
    return status;
}

static enum snap_status liar_flush(struct snap_io *io, struct snap_error *err)
{
    return snap_io_flush(((struct liar *)io)->lower, err);
}

static enum snap_status liar_close(struct snap_io *io, struct snap_error *err)
{
    enum snap_status status = snap_io_close(((struct liar *)io)->lower, err);

    free(io);
    return status;
}

struct snap_io *liar_new(struct snap_io *lower, uint64_t write)
{
    static const struct snap_io_ops ops = {.transfer = liar_transfer, .flush = liar_flush, .close = liar_close};
    struct liar *liar = test_calloc(1, sizeof *liar);

    liar->io = *lower;
    liar->io.ops = &ops;
    liar->lower = lower;
    liar->writes_left = write;
    return &liar->io;
}

bool liar_lied(const struct snap_io *io)
{
    return ((const struct liar *)io)->lied;
}

void liar_reform(struct snap_io *io)
{
    ((struct liar *)io)->reformed = true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The watched device. */
#include "tests/crash/watch.h"

#include "tests/support/io_mem.h"

#include <stdlib.h>

struct watch {
    struct snap_io io;
    struct snap_io *lower;
    unsigned disk;
    watch_fn fn;
    void *context;
};

static enum snap_status watch_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                       struct snap_error *err)
{
    const struct watch *watch = (const struct watch *)io;

    for (size_t i = 0; i < count; i++)
        if (requests[i].kind == SNAP_IO_WRITE)
            watch->fn(watch->context, watch->disk, requests[i].offset_bytes, snap_io_request_bytes(&requests[i]));
    return snap_io_transfer(watch->lower, requests, count, err);
}

static enum snap_status watch_flush(struct snap_io *io, struct snap_error *err)
{
    return snap_io_flush(((struct watch *)io)->lower, err);
}

static enum snap_status watch_close(struct snap_io *io, struct snap_error *err)
{
    enum snap_status status = snap_io_close(((struct watch *)io)->lower, err);

    free(io);
    return status;
}

struct snap_io *watch_new(struct snap_io *lower, unsigned disk, watch_fn fn, void *context)
{
    static const struct snap_io_ops ops = {.transfer = watch_transfer, .flush = watch_flush, .close = watch_close};
    struct watch *watch = test_calloc(1, sizeof *watch);

    watch->io = *lower;
    watch->io.ops = &ops;
    watch->lower = lower;
    watch->disk = disk;
    watch->fn = fn;
    watch->context = context;
    return &watch->io;
}

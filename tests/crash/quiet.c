/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Switches the failing of allocations off, and their counting, while a device works. */
#include "tests/crash/quiet.h"

#include "tests/support/io_mem.h"
#include "tests/unit/alloc_fixture.h"

struct quiet {
    struct snap_io io;
    struct snap_io *lower;
};

static uint64_t device_bytes; /* that the devices have allocated since quiet_begin */
static uint64_t bytes_at_begin, awaited;

/* What the fixture knew when a device began its work. */
struct before {
    uint64_t live_bytes, calls, failing_call;
};

static struct before hush(void)
{
    const struct before before = {alloc.live_bytes, alloc.calls, alloc.failing_call};

    alloc.failing_call = 0;
    return before;
}

static void unhush(const struct before *before)
{
    device_bytes += alloc.live_bytes - before->live_bytes; /* modulo 2^64: may also shrink */
    alloc.calls = before->calls;
    alloc.failing_call = before->failing_call;
}

static enum snap_status quiet_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                       struct snap_error *err)
{
    const struct before before = hush();
    enum snap_status status = snap_io_transfer(((struct quiet *)io)->lower, requests, count, err);

    unhush(&before);
    return status;
}

static enum snap_status quiet_flush(struct snap_io *io, struct snap_error *err)
{
    const struct before before = hush();
    enum snap_status status = snap_io_flush(((struct quiet *)io)->lower, err);

    unhush(&before);
    return status;
}

static enum snap_status quiet_close(struct snap_io *io, struct snap_error *err)
{
    enum snap_status status = snap_io_close(((struct quiet *)io)->lower, err);

    free(io);
    return status;
}

struct snap_io *quiet_new(struct snap_io *lower)
{
    static const struct snap_io_ops ops = {.transfer = quiet_transfer, .flush = quiet_flush, .close = quiet_close};
    struct quiet *quiet = test_calloc(1, sizeof *quiet);

    quiet->io = *lower;
    quiet->io.ops = &ops;
    quiet->lower = lower;
    return &quiet->io;
}

void quiet_begin(uint64_t n, bool on)
{
    bytes_at_begin = alloc.live_bytes;
    device_bytes = 0;
    awaited = n;
    alloc_fail_at(n, on);
}

bool quiet_end(uint64_t *leaked_bytes)
{
    const bool came = alloc.calls >= awaited;

    alloc_fail_at(0, false);
    *leaked_bytes = alloc.live_bytes - device_bytes - bytes_at_begin;
    return came;
}

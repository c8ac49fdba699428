/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Switches the failing of allocations off, and their counting, while a device works. */
#include "tests/crash/alloc_faults.h"

#include "tests/support/io_mem.h"
#include "tests/unit/alloc_fixture.h"

struct alloc_faults {
    struct snap_io io;
    struct snap_io *lower;
};

static uint64_t device_bytes; /* that the devices have allocated since alloc_faults_begin */
static uint64_t bytes_at_begin, awaited;

/* What the fixture knew when a device began its work. */
struct before {
    uint64_t live_bytes, calls, failing_call;
};

static struct before switch_off(void)
{
    const struct before before = {alloc.live_bytes, alloc.calls, alloc.failing_call};

    alloc.failing_call = 0;
    return before;
}

static void switch_on(const struct before *before)
{
    device_bytes += alloc.live_bytes - before->live_bytes; /* modulo 2^64: may also shrink */
    alloc.calls = before->calls;
    alloc.failing_call = before->failing_call;
}

static enum snap_status alloc_faults_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                              struct snap_error *err)
{
    const struct before before = switch_off();
    enum snap_status status = snap_io_transfer(((struct alloc_faults *)io)->lower, requests, count, err);

    switch_on(&before);
    return status;
}

static enum snap_status alloc_faults_flush(struct snap_io *io, struct snap_error *err)
{
    const struct before before = switch_off();
    enum snap_status status = snap_io_flush(((struct alloc_faults *)io)->lower, err);

    switch_on(&before);
    return status;
}

static enum snap_status alloc_faults_close(struct snap_io *io, struct snap_error *err)
{
    enum snap_status status = snap_io_close(((struct alloc_faults *)io)->lower, err);

    free(io);
    return status;
}

struct snap_io *alloc_faults_new(struct snap_io *lower)
{
    static const struct snap_io_ops ops = {
        .transfer = alloc_faults_transfer, .flush = alloc_faults_flush, .close = alloc_faults_close};
    struct alloc_faults *faults = test_calloc(1, sizeof *faults);

    faults->io = *lower;
    faults->io.ops = &ops;
    faults->lower = lower;
    return &faults->io;
}

void alloc_faults_begin(uint64_t n, bool on)
{
    bytes_at_begin = alloc.live_bytes;
    device_bytes = 0;
    awaited = n;
    alloc_fail_at(n, on);
}

bool alloc_faults_end(uint64_t *leaked_bytes)
{
    const bool came = alloc.calls >= awaited;

    alloc_fail_at(0, false);
    *leaked_bytes = alloc.live_bytes - device_bytes - bytes_at_begin;
    return came;
}

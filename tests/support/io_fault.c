/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The failing device: sorts out the requests that fail, hands on the others. */
#include "tests/support/io_fault.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "tests/support/io_mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct io_fault_device {
    struct snap_io io;
    struct snap_io *lower;
    void (*drop)(struct snap_io *lower);
    struct io_fault *faults;
    size_t fault_count;
    uint64_t counts[IO_FAULT_KINDS];
    uint64_t hits, first_hit_bytes;
};

/* Counts an operation; returns the fault that it meets, or NULL. */
static const struct io_fault *meet(struct io_fault_device *device, enum io_fault_kind kind, uint64_t offset_bytes,
                                   uint64_t length_bytes)
{
    uint64_t index = device->counts[kind]++;

    for (size_t i = 0; i < device->fault_count; i++) {
        const struct io_fault *fault = &device->faults[i];
        bool touches = fault->length_bytes == 0 || (offset_bytes < fault->offset_bytes + fault->length_bytes &&
                                                    fault->offset_bytes < offset_bytes + length_bytes);

        if (fault->kind == kind && touches && (fault->from_then_on ? index >= fault->at : index == fault->at)) {
            if (device->hits++ == 0)
                device->first_hit_bytes = offset_bytes;
            return fault;
        }
    }
    return NULL;
}

static int errno_of(const struct io_fault *fault)
{
    return fault->sys_errno ? fault->sys_errno : EIO;
}

/* The first bytes of a read or write that then fails. Nobody hears of their fate. */
static void transfer_part(struct snap_io *lower, const struct snap_io_request *request, uint64_t sectors)
{
    uint64_t total_bytes = snap_io_request_bytes(request);
    uint64_t part_bytes = snap_min(sectors * SNAP_SECTOR_BYTES, total_bytes);
    uint8_t *flat = test_calloc(1, (size_t)total_bytes);

    test_write_from(request, flat);
    if (part_bytes > 0 && request->kind == SNAP_IO_WRITE)
        (void)snap_io_write(lower, request->offset_bytes, part_bytes, flat, NULL);
    else if (part_bytes > 0 && snap_io_read(lower, request->offset_bytes, part_bytes, flat, NULL) == SNAP_OK)
        test_read_into(request, flat);
    free(flat);
}

static enum snap_status fault_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                       struct snap_error *err)
{
    struct io_fault_device *device = (struct io_fault_device *)io;
    struct snap_io_request *passed = test_calloc(count, sizeof *passed);
    size_t *index = test_calloc(count, sizeof *index);
    size_t passed_count = 0;
    enum snap_status status;

    for (size_t i = 0; i < count; i++) {
        const struct io_fault *fault = meet(
            device, requests[i].kind == SNAP_IO_READ ? IO_FAULT_READ : IO_FAULT_WRITE, requests[i].offset_bytes,
            snap_io_request_bytes(&requests[i]));

        if (!fault) {
            index[passed_count] = i;
            passed[passed_count++] = requests[i];
            continue;
        }
        requests[i].sys_errno = errno_of(fault);
        if (fault->partial)
            transfer_part(device->lower, &requests[i], fault->partial_sectors);
    }
    status = snap_io_transfer(device->lower, passed, passed_count, err);
    for (size_t i = 0; i < passed_count; i++)
        requests[index[i]].sys_errno = passed[i].sys_errno;
    free(passed);
    free(index);
    /* A failure of the lower device that is no request's (a broken contract) is handed on as it is. */
    return status == SNAP_E_INTERNAL ? status : test_transfer_result(io, requests, count, err);
}

static enum snap_status fault_flush(struct snap_io *io, struct snap_error *err)
{
    struct io_fault_device *device = (struct io_fault_device *)io;
    const struct io_fault *fault = meet(device, IO_FAULT_FLUSH, 0, 0);

    if (!fault)
        return snap_io_flush(device->lower, err);
    if (device->drop)
        device->drop(device->lower);
    return snap_fail_errno(err, errno_of(fault), "%s: flush failed", io->name);
}

static enum snap_status fault_close(struct snap_io *io, struct snap_error *err)
{
    struct io_fault_device *device = (struct io_fault_device *)io;
    const struct io_fault *fault = meet(device, IO_FAULT_CLOSE, 0, 0);
    enum snap_status status = fault ? snap_fail_errno(err, errno_of(fault), "%s: close failed", io->name) : SNAP_OK;
    enum snap_status lower_status = snap_io_close(device->lower, fault ? NULL : err);

    free(device->faults);
    free(device);
    return fault ? status : lower_status;
}

struct snap_io *io_fault_new(struct snap_io *lower, void (*drop)(struct snap_io *lower))
{
    static const struct snap_io_ops ops = {.transfer = fault_transfer, .flush = fault_flush, .close = fault_close};
    struct io_fault_device *device = test_calloc(1, sizeof *device);

    device->io = *lower;
    device->io.ops = &ops;
    device->lower = lower;
    device->drop = drop;
    return &device->io;
}

void io_fault_add(struct snap_io *io, const struct io_fault *fault)
{
    struct io_fault_device *device = (struct io_fault_device *)io;

    device->faults = test_realloc(device->faults, device->fault_count + 1, sizeof *device->faults);
    device->faults[device->fault_count++] = *fault;
}

void io_fault_clear(struct snap_io *io)
{
    ((struct io_fault_device *)io)->fault_count = 0;
}

uint64_t io_fault_count(const struct snap_io *io, enum io_fault_kind kind)
{
    return ((const struct io_fault_device *)io)->counts[kind];
}

uint64_t io_fault_hits(const struct snap_io *io)
{
    return ((const struct io_fault_device *)io)->hits;
}

uint64_t io_fault_first_hit_bytes(const struct snap_io *io)
{
    return ((const struct io_fault_device *)io)->first_hit_bytes;
}

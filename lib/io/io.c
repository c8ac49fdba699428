/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks requests before they are handed to the implementation. */
#include "lib/io/io.h"

#include "lib/base/arith.h"

#include <inttypes.h>
#include <string.h>

uint64_t snap_io_request_bytes(const struct snap_io_request *request)
{
    uint64_t total = 0;

    for (unsigned i = 0; i < request->iov_count; i++)
        total += request->iov[i].iov_len;
    return total;
}

static enum snap_status check_requests(const struct snap_io *io, struct snap_io_request *requests, size_t count,
                                       struct snap_error *err)
{
    for (size_t i = 0; i < count; i++) {
        uint64_t length_bytes = snap_io_request_bytes(&requests[i]);

        if (!snap_range_fits(requests[i].offset_bytes, length_bytes, io->size_bytes))
            return snap_fail(err, SNAP_E_INTERNAL,
                             "%s: request at byte %" PRIu64 ", length %" PRIu64 ", ends beyond the device's %" PRIu64
                             " bytes",
                             io->name, requests[i].offset_bytes, length_bytes, io->size_bytes);
        if (requests[i].kind == SNAP_IO_WRITE && !io->writable)
            return snap_fail(err, SNAP_E_INTERNAL, "%s: write to a device that was opened read-only", io->name);
        requests[i].sys_errno = 0;
    }
    return SNAP_OK;
}

enum snap_status snap_io_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                  struct snap_error *err)
{
    const enum snap_status status = check_requests(io, requests, count, err);

    return status == SNAP_OK && count ? io->ops->transfer(io, requests, count, err) : status;
}

void snap_io_transfer_shares(struct snap_io_share *shares, size_t count)
{
    bool together = count > 1;

    for (size_t i = 0; i < count; i++) {
        shares[i].status = check_requests(shares[i].io, shares[i].requests, shares[i].count, shares[i].err);
        together = together && shares[i].status == SNAP_OK && shares[i].io->ops == shares[0].io->ops &&
                   shares[i].io->ops->transfer_shares;
    }
    if (together) {
        shares[0].io->ops->transfer_shares(shares, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        if (shares[i].status == SNAP_OK && shares[i].count > 0)
            shares[i].status = shares[i].io->ops->transfer(shares[i].io, shares[i].requests, shares[i].count,
                                                           shares[i].err);
    }
}

static enum snap_status one_request(struct snap_io *io, enum snap_io_kind kind, uint64_t offset_bytes,
                                    const struct iovec *iov, struct snap_error *err)
{
    struct snap_io_request request = {.kind = kind, .offset_bytes = offset_bytes, .iov = iov, .iov_count = 1};

    return snap_io_transfer(io, &request, 1, err);
}

enum snap_status snap_io_read(struct snap_io *io, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                              struct snap_error *err)
{
    const struct iovec iov = {buffer, (size_t)length_bytes};

    return one_request(io, SNAP_IO_READ, offset_bytes, &iov, err);
}

enum snap_status snap_io_write(struct snap_io *io, uint64_t offset_bytes, uint64_t length_bytes, const void *buffer,
                               struct snap_error *err)
{
    /* An iovec has no const member; a write does not touch the buffer. */
    struct iovec iov = {.iov_len = (size_t)length_bytes};

    memcpy(&iov.iov_base, &buffer, sizeof iov.iov_base);
    return one_request(io, SNAP_IO_WRITE, offset_bytes, &iov, err);
}

enum snap_status snap_io_next_data(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                   uint64_t *length_bytes, struct snap_error *err)
{
    if (io->ops->next_data)
        return io->ops->next_data(io, offset_bytes, start_bytes, length_bytes, err);
    *start_bytes = snap_min(offset_bytes, io->size_bytes);
    *length_bytes = io->size_bytes - *start_bytes;
    return SNAP_OK;
}

enum snap_status snap_io_flush(struct snap_io *io, struct snap_error *err)
{
    return io->ops->flush(io, err);
}

enum snap_status snap_io_close(struct snap_io *io, struct snap_error *err)
{
    return io ? io->ops->close(io, err) : SNAP_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this library needs of a device: vectors of independent requests, a flush, a close. */
#ifndef DMSNAP_IO_IO
#define DMSNAP_IO_IO

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum snap_io_kind { SNAP_IO_READ, SNAP_IO_WRITE };

/*
 * One request. Its length is the sum of `iov`. The requests of one transfer are independent: they may be carried out
 * in any order and at the same time, so none of them may overlap another that writes.
 */
struct snap_io_request {
    enum snap_io_kind kind;
    uint64_t offset_bytes;
    const struct iovec *iov;  /* borrowed until transfer returns */
    unsigned iov_count;       /* 1..IOV_MAX */
    int sys_errno;            /* out: 0, or the errno with which this request failed */
};

struct snap_io;

/* What one io gets of a transfer over several: see snap_io_transfer_shares. */
struct snap_io_share {
    struct snap_io *io;
    struct snap_io_request *requests; /* as for snap_io_transfer */
    size_t count;
    struct snap_error *err;           /* NULL, or where the failure of this share is told */
    enum snap_status status;          /* out: what snap_io_transfer would return */
    size_t next;                      /* of the implementation */
};

struct snap_io_ops {
    /*
     * Carries out all `count` requests and returns when each has ended, whatever their results: SNAP_OK if all
     * succeeded, else a failure that names the first bad request in vector order (device, offset, errno). After a
     * failure each request's sys_errno tells whether it was done; the bytes of a failed write are undefined.
     * SNAP_E_CHANGED: the device is smaller than `size_bytes`, or gone; what failed has the errno ESTALE then.
     */
    enum snap_status (*transfer)(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                 struct snap_error *err);
    /*
     * The same for several ios of this implementation, at the same time; `count` is at least 1. NULL where it can do
     * no more than one after the other.
     */
    void (*transfer_shares)(struct snap_io_share *shares, size_t count);
    /*
     * Makes everything durable that was written before the call. A failed flush is final: it is never repeated by the
     * implementation nor may it be by the caller, since the lost writes may count as clean afterwards. SNAP_E_CHANGED
     * as above: what was written may have been cut off.
     */
    enum snap_status (*flush)(struct snap_io *io, struct snap_error *err);
    /* As snap_io_next_data; NULL where nothing is known of holes. */
    enum snap_status (*next_data)(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                  uint64_t *length_bytes, struct snap_error *err);
    /* Frees the object in every case; a failure says that the close itself failed. */
    enum snap_status (*close)(struct snap_io *io, struct snap_error *err);
};

/*
 * An open device or image. Implementations embed it as their first member. All fields are constant while it is open.
 */
struct snap_io {
    const struct snap_io_ops *ops;
    const char *name;            /* as the user gave it; for messages */
    uint64_t size_bytes;         /* seen at open; no request may end beyond it */
    uint32_t logical_block_bytes; /* smallest unit that a write may have; a power of two, at least 512 */
    uint32_t memory_align_bytes; /* buffers should be aligned to this; others work, slower */
    bool writable;
    bool rotational;             /* a hint: seeks cost */
};

/* Size of the request in bytes. */
uint64_t snap_io_request_bytes(const struct snap_io_request *request);

/*
 * Checks all requests against the device's size (SNAP_E_INTERNAL where one ends beyond it, or writes to a read-only
 * io), then hands them to ops->transfer. 0 requests are SNAP_OK.
 */
enum snap_status snap_io_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                  struct snap_error *err);

/*
 * A transfer on each of several ios, none of which may come twice: at the same time where all are of one implementation
 * that can do that, else one after the other. Each share is carried out, whatever becomes of the others; its status
 * says how it ended.
 */
void snap_io_transfer_shares(struct snap_io_share *shares, size_t count);

/* One contiguous buffer; offset, then length. The convenience forms of transfer. */
enum snap_status snap_io_read(struct snap_io *io, uint64_t offset_bytes, uint64_t length_bytes, void *buffer,
                              struct snap_error *err);
enum snap_status snap_io_write(struct snap_io *io, uint64_t offset_bytes, uint64_t length_bytes, const void *buffer,
                               struct snap_error *err);

/*
 * The next range at or after `offset_bytes` that may hold data; where nothing is known of holes, all up to the end.
 * *length_bytes is 0 where nothing but holes follow (then *start_bytes is the size). SNAP_E_IO.
 */
enum snap_status snap_io_next_data(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                   uint64_t *length_bytes, struct snap_error *err);

enum snap_status snap_io_flush(struct snap_io *io, struct snap_error *err);

/* NULL is SNAP_OK. */
enum snap_status snap_io_close(struct snap_io *io, struct snap_error *err);

#endif

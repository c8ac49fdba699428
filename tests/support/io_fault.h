/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device for tests that fails when told to: the k-th operation, a range, a short write, a flush that loses data. */
#ifndef DMSNAP_TEST_IO_FAULT_H
#define DMSNAP_TEST_IO_FAULT_H

#include "lib/io/io.h"

enum io_fault_kind { IO_FAULT_READ, IO_FAULT_WRITE, IO_FAULT_FLUSH, IO_FAULT_CLOSE, IO_FAULT_KINDS };

/*
 * One thing that goes wrong. Operations are counted per kind from 0 since io_fault_new; each request of a transfer
 * is one, in vector order.
 */
struct io_fault {
    enum io_fault_kind kind;
    uint64_t at;             /* the first operation that fails */
    bool from_then_on;       /* else only that one */
    uint64_t offset_bytes;   /* reads and writes: only those that touch this range ... */
    uint64_t length_bytes;   /* ... unless the length is 0; a request outside of it counts but does not fail */
    int sys_errno;           /* 0 means EIO */
    bool partial;            /* the first partial_sectors of a read or write arrive, then it fails */
    uint64_t partial_sectors;
};

/*
 * Wraps `lower`, which it owns from now on: closing the one closes the other. `drop` (may be NULL) is called with
 * `lower` when a flush is made to fail, and takes back what is not durable: io_mem_drop_unflushed,
 * io_record_drop_unflushed. Requests that do not fail are handed on in one transfer.
 */
struct snap_io *io_fault_new(struct snap_io *lower, void (*drop)(struct snap_io *lower));

/* Adds a fault; there may be several. */
void io_fault_add(struct snap_io *io, const struct io_fault *fault);

/* Takes all faults away; the counts go on. */
void io_fault_clear(struct snap_io *io);

/* Operations of a kind so far, failed ones included. */
uint64_t io_fault_count(const struct snap_io *io, enum io_fault_kind kind);

/* Operations that were made to fail, of all kinds: to see that a test's fault was met at all. */
uint64_t io_fault_hits(const struct snap_io *io);

/* Where the first of these was: the offset of the read or write; 0 for others, and before there is one. */
uint64_t io_fault_first_hit_bytes(const struct snap_io *io);

#endif

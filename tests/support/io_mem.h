/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A device in memory for tests: a struct snap_io whose bytes the test can see and change. */
#ifndef DMSNAP_TEST_IO_MEM_H
#define DMSNAP_TEST_IO_MEM_H

#include "lib/io/io.h"

/*
 * `size_bytes` zero bytes; close with snap_io_close. It is strict where a device or the contract of io.h is: a
 * write that is no multiple of the logical block fails with EOPNOTSUPP (SNAP_E_UNSUPPORTED), a transfer in which a
 * write overlaps another request fails as a whole with SNAP_E_INTERNAL. Reads may have any offset and length.
 * `name` is borrowed. Out of memory ends the test program.
 */
struct snap_io *io_mem_new(const char *name, uint64_t size_bytes, uint32_t logical_block_bytes, bool writable);

/* The bytes themselves, size_bytes of them, valid until close. Changing them is like a change by somebody else. */
uint8_t *io_mem_bytes(struct snap_io *io);

/* Takes back all writes since the last flush, newest first: what a failed flush or a power loss may do. */
void io_mem_drop_unflushed(struct snap_io *io);

/* For all test devices. Zeroed memory; out of memory ends the test program. */
void *test_calloc(size_t count, size_t size_bytes);

/* realloc, likewise; what is added is not zeroed. */
void *test_realloc(void *memory, size_t count, size_t size_bytes);

/* A transfer's result from its requests' sys_errno, in the words that io_file uses. */
enum snap_status test_transfer_result(const struct snap_io *io, const struct snap_io_request *requests, size_t count,
                                      struct snap_error *err);

/* SNAP_E_INTERNAL where a write of the vector overlaps another request: the caller broke the contract of io.h. */
enum snap_status test_refuse_overlap(const struct snap_io *io, const struct snap_io_request *requests, size_t count,
                                     struct snap_error *err);

/* Copies from (read) or to (write: to `flat`) the request's vector; `flat` has the request's length. */
void test_read_into(const struct snap_io_request *request, const uint8_t *flat);
void test_write_from(const struct snap_io_request *request, uint8_t *flat);

#endif

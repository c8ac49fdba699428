/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory device, and what all test devices share. */
#include "tests/support/io_mem.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct undo {
    uint64_t offset_bytes;
    uint64_t length_bytes;
    uint8_t *old;
};

struct io_mem {
    struct snap_io io;
    uint8_t *bytes;
    struct undo *undo; /* of the writes since the last flush, in order */
    size_t undo_count;
    size_t undo_capacity;
};

void *test_calloc(size_t count, size_t size_bytes)
{
    void *memory = calloc(count ? count : 1, size_bytes ? size_bytes : 1);

    if (!memory) {
        fprintf(stderr, "test support: out of memory\n");
        abort();
    }
    return memory;
}

void *test_realloc(void *memory, size_t count, size_t size_bytes)
{
    void *larger = reallocarray(memory, count ? count : 1, size_bytes ? size_bytes : 1);

    if (!larger) {
        fprintf(stderr, "test support: out of memory\n");
        abort();
    }
    return larger;
}

void test_read_into(const struct snap_io_request *request, const uint8_t *flat)
{
    for (unsigned i = 0; i < request->iov_count; flat += request->iov[i++].iov_len) {
        if (request->iov[i].iov_len > 0)
            memcpy(request->iov[i].iov_base, flat, request->iov[i].iov_len);
    }
}

void test_write_from(const struct snap_io_request *request, uint8_t *flat)
{
    for (unsigned i = 0; i < request->iov_count; flat += request->iov[i++].iov_len) {
        if (request->iov[i].iov_len > 0)
            memcpy(flat, request->iov[i].iov_base, request->iov[i].iov_len);
    }
}

enum snap_status test_transfer_result(const struct snap_io *io, const struct snap_io_request *requests, size_t count,
                                      struct snap_error *err)
{
    for (size_t i = 0; i < count; i++) {
        if (requests[i].sys_errno)
            return snap_fail_errno(err, requests[i].sys_errno, "%s: %s %" PRIu64 " bytes at byte %" PRIu64, io->name,
                                   requests[i].kind == SNAP_IO_READ ? "reading" : "writing",
                                   snap_io_request_bytes(&requests[i]), requests[i].offset_bytes);
    }
    return SNAP_OK;
}

static int by_offset(const void *left, const void *right)
{
    const struct snap_io_request *const *a = left, *const *b = right;

    return ((*a)->offset_bytes > (*b)->offset_bytes) - ((*a)->offset_bytes < (*b)->offset_bytes);
}

enum snap_status test_refuse_overlap(const struct snap_io *io, const struct snap_io_request *requests, size_t count,
                                     struct snap_error *err)
{
    const struct snap_io_request **sorted = test_calloc(count, sizeof(struct snap_io_request *));
    uint64_t end_bytes = 0, write_end_bytes = 0; /* of all, and of the writes, so far */
    enum snap_status status = SNAP_OK;

    for (size_t i = 0; i < count; i++)
        sorted[i] = &requests[i];
    qsort(sorted, count, sizeof *sorted, by_offset);
    for (size_t i = 0; i < count && status == SNAP_OK; i++) {
        uint64_t length_bytes = snap_io_request_bytes(sorted[i]);
        bool write = sorted[i]->kind == SNAP_IO_WRITE;

        if (length_bytes == 0)
            continue;
        if (sorted[i]->offset_bytes < (write ? end_bytes : write_end_bytes))
            status = snap_fail(err, SNAP_E_INTERNAL, "%s: the request at byte %" PRIu64 " overlaps another of its"
                               " transfer", io->name, sorted[i]->offset_bytes);
        end_bytes = snap_max(end_bytes, sorted[i]->offset_bytes + length_bytes);
        if (write)
            write_end_bytes = snap_max(write_end_bytes, sorted[i]->offset_bytes + length_bytes);
    }
    free(sorted);
    return status;
}

static void remember(struct io_mem *mem, uint64_t offset_bytes, uint64_t length_bytes)
{
    struct undo undo = {.offset_bytes = offset_bytes, .length_bytes = length_bytes};

    if (mem->undo_count == mem->undo_capacity) {
        mem->undo_capacity = mem->undo_capacity * 2 + 16;
        mem->undo = test_realloc(mem->undo, mem->undo_capacity, sizeof *mem->undo);
    }
    undo.old = test_calloc(1, (size_t)length_bytes);
    memcpy(undo.old, mem->bytes + offset_bytes, (size_t)length_bytes);
    mem->undo[mem->undo_count++] = undo;
}

static enum snap_status mem_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                     struct snap_error *err)
{
    struct io_mem *mem = (struct io_mem *)io;
    enum snap_status status = test_refuse_overlap(io, requests, count, err);

    for (size_t i = 0; i < count; i++) {
        uint64_t length_bytes = snap_io_request_bytes(&requests[i]);

        if (status != SNAP_OK) {
            requests[i].sys_errno = EINVAL;
        } else if (requests[i].kind == SNAP_IO_READ) {
            test_read_into(&requests[i], mem->bytes + requests[i].offset_bytes);
        } else if ((requests[i].offset_bytes | length_bytes) % io->logical_block_bytes != 0) {
            requests[i].sys_errno = EOPNOTSUPP;
        } else {
            remember(mem, requests[i].offset_bytes, length_bytes);
            test_write_from(&requests[i], mem->bytes + requests[i].offset_bytes);
        }
    }
    return status != SNAP_OK ? status : test_transfer_result(io, requests, count, err);
}

static void forget(struct io_mem *mem)
{
    while (mem->undo_count > 0)
        free(mem->undo[--mem->undo_count].old);
}

static enum snap_status mem_flush(struct snap_io *io, struct snap_error *err)
{
    (void)err;
    forget((struct io_mem *)io);
    return SNAP_OK;
}

static enum snap_status mem_close(struct snap_io *io, struct snap_error *err)
{
    struct io_mem *mem = (struct io_mem *)io;

    (void)err;
    forget(mem);
    free(mem->undo);
    snap_buffer_free(mem->bytes);
    free(mem);
    return SNAP_OK;
}

struct snap_io *io_mem_new(const char *name, uint64_t size_bytes, uint32_t logical_block_bytes, bool writable)
{
    static const struct snap_io_ops ops = {.transfer = mem_transfer, .flush = mem_flush, .close = mem_close};
    struct io_mem *mem = test_calloc(1, sizeof *mem);

    mem->io = (struct snap_io){
        .ops = &ops,
        .name = name,
        .size_bytes = size_bytes,
        .logical_block_bytes = logical_block_bytes,
        .memory_align_bytes = logical_block_bytes,
        .writable = writable,
    };
    mem->bytes = snap_buffer_new(size_bytes);
    if (!mem->bytes) {
        fprintf(stderr, "test support: out of memory\n");
        abort();
    }
    return &mem->io;
}

uint8_t *io_mem_bytes(struct snap_io *io)
{
    return ((struct io_mem *)io)->bytes;
}

void io_mem_drop_unflushed(struct snap_io *io)
{
    struct io_mem *mem = (struct io_mem *)io;

    while (mem->undo_count > 0) {
        struct undo *undo = &mem->undo[--mem->undo_count];

        memcpy(mem->bytes + undo->offset_bytes, undo->old, (size_t)undo->length_bytes);
        free(undo->old);
    }
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests on open devices and images: which way each goes (direct, cached, bounced), and what came of it. */
#include "lib/io/file_private.h"

#include "lib/base/arith.h"
#include "lib/io/bounce_private.h"
#include "lib/io/shrunk_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#define BATCH_REQUESTS 4096u /* handed to the engine at once; bounds the memory of a long vector */

enum route { ROUTE_DIRECT, ROUTE_BUFFERED, ROUTE_BOUNCE, ROUTE_REFUSED };

/* Each element on its own: before Linux 6.0, direct I/O asks for whole blocks per element. */
static bool memory_aligned(const struct snap_opened *opened, const struct snap_io_request *request)
{
    for (unsigned i = 0; i < request->iov_count; i++) {
        if ((uintptr_t)request->iov[i].iov_base % opened->memory_align_bytes != 0 ||
            request->iov[i].iov_len % opened->direct_align_bytes != 0)
            return false;
    }
    return true;
}

static enum route route_of(const struct snap_opened *opened, const struct snap_io_request *request)
{
    bool range_aligned;

    if (opened->direct_fd < 0)
        return ROUTE_BUFFERED;
    range_aligned = request->offset_bytes % opened->direct_align_bytes == 0 &&
                    snap_io_request_bytes(request) % opened->direct_align_bytes == 0;
    if (range_aligned && memory_aligned(opened, request))
        return ROUTE_DIRECT;
    if (!opened->block_device)
        return ROUTE_BUFFERED;
    /* Widening a write means to read, change and write back what is not the caller's: not atomic, so not done. */
    return range_aligned || request->kind == SNAP_IO_READ ? ROUTE_BOUNCE : ROUTE_REFUSED;
}

static struct snap_io_file *file_of(const struct snap_io_share *share)
{
    return (struct snap_io_file *)share->io;
}

static bool reserve_batch(struct snap_io_file *file, size_t count)
{
    const size_t capacity = (size_t)snap_min(count, BATCH_REQUESTS);
    struct snap_engine_request *raw;
    struct snap_io_request **raw_of;

    if (capacity <= file->raw_capacity)
        return true;
    raw = malloc(capacity * sizeof *raw);
    raw_of = malloc(capacity * sizeof(struct snap_io_request *));
    if (!raw || !raw_of) {
        free(raw);
        free(raw_of);
        return false;
    }
    free(file->raw);
    free(file->raw_of);
    file->raw = raw;
    file->raw_of = raw_of;
    file->raw_capacity = capacity;
    return true;
}

/* `first` lends its engine and its batch: one queue for all is what keeps every device busy to the end. */
static void run_batch(struct snap_io_file *first, size_t batched)
{
    if (batched > 0)
        first->engine->ops->run(first->engine, first->raw, batched);
    for (size_t i = 0; i < batched; i++)
        first->raw_of[i]->sys_errno = first->raw[i].sys_errno;
}

/* The next request of a share that takes the route; those that have failed already are left alone. NULL: none. */
static struct snap_io_request *next_of_route(struct snap_io_share *share, enum route route)
{
    while (share->next < share->count) {
        struct snap_io_request *request = &share->requests[share->next++];

        if (!request->sys_errno && route_of(&file_of(share)->opened, request) == route)
            return request;
    }
    return NULL;
}

/* Runs all requests of one route, one of each device in turn: what is queued at a time is spread over all of them. */
static void run_route(enum route route, struct snap_io_share *shares, size_t count)
{
    struct snap_io_file *first = file_of(&shares[0]);
    size_t batched = 0;
    bool more = true;

    for (size_t i = 0; i < count; i++)
        shares[i].next = 0;
    while (more) {
        more = false;
        for (size_t i = 0; i < count; i++) {
            const struct snap_opened *opened = &file_of(&shares[i])->opened;
            struct snap_io_request *request = next_of_route(&shares[i], route);

            if (!request)
                continue;
            more = true;
            first->raw[batched] = (struct snap_engine_request){
                .kind = request->kind,
                .fd = route == ROUTE_DIRECT ? opened->direct_fd : opened->fd,
                .offset_bytes = request->offset_bytes,
                .iov = request->iov,
                .iov_count = request->iov_count,
            };
            snap_engine_request_init(&first->raw[batched]);
            first->raw_of[batched++] = request;
            if (batched == first->raw_capacity) {
                run_batch(first, batched);
                batched = 0;
            }
        }
    }
    run_batch(first, batched);
}

/* What the first failed request failed with; for all of them, where the device is not what it was. */
static enum snap_status first_failure(const struct snap_io_file *file, struct snap_io_request *requests, size_t count,
                                      struct snap_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const char *verb = requests[i].kind == SNAP_IO_READ ? "reading" : "writing";
        uint64_t length_bytes = snap_io_request_bytes(&requests[i]);

        if (requests[i].sys_errno &&
            snap_shrunk_explain(&file->opened, file->name, requests, count, err) != SNAP_OK)
            return SNAP_E_CHANGED;
        if (requests[i].sys_errno == EOPNOTSUPP)
            return snap_fail_errno(err, EOPNOTSUPP, "%s: %s %" PRIu64 " bytes at byte %" PRIu64
                                   ", where the device has blocks of %" PRIu32 " bytes",
                                   file->name, verb, length_bytes, requests[i].offset_bytes,
                                   file->io.logical_block_bytes);
        if (requests[i].sys_errno)
            return snap_fail_errno(err, requests[i].sys_errno, "%s: %s %" PRIu64 " bytes at byte %" PRIu64,
                                   file->name, verb, length_bytes, requests[i].offset_bytes);
    }
    return SNAP_OK;
}

/* What goes through a buffer, one after the other, and what cannot be done. True: some is left for the cache. */
static bool run_odd(struct snap_io_share *share)
{
    struct snap_io_file *file = file_of(share);
    bool buffered = false;

    for (size_t i = 0; i < share->count && share->status == SNAP_OK; i++) {
        struct snap_io_request *request = &share->requests[i];
        const enum route route = route_of(&file->opened, request);

        buffered |= route == ROUTE_BUFFERED;
        if (route == ROUTE_BOUNCE)
            request->sys_errno = snap_bounce_run(&file->opened, &file->bounce, request);
        else if (route == ROUTE_REFUSED)
            request->sys_errno = EOPNOTSUPP;
    }
    return buffered;
}

/*
 * The ways are taken one after the other, never at the same time. The kernel keeps direct and buffered I/O on one
 * file coherent as long as they do not overlap in time, even on different bytes of a page: a direct write first
 * writes back and drops the pages it covers, a direct read writes them back, and a page dropped is read anew. At
 * the same time, a buffered write could read the page's other bytes from the disk before a direct write changes
 * them there, and write the old ones back later.
 */
void snap_file_transfer_shares(struct snap_io_share *shares, size_t count)
{
    bool buffered = false, room;
    size_t total = 0;

    for (size_t i = 0; i < count; i++)
        total += shares[i].count;
    room = reserve_batch(file_of(&shares[0]), total);
    for (size_t i = 0; i < count; i++) {
        struct snap_io_share *share = &shares[i];

        share->status = room ? snap_shrunk_refuse(&file_of(share)->opened, share->io->name, share->requests,
                                                  share->count, share->err)
                             : snap_fail(share->err, SNAP_E_NOMEM, "%s: no memory for %zu requests", share->io->name,
                                         total);
        for (size_t k = 0; k < share->count && !room; k++)
            share->requests[k].sys_errno = ENOMEM;
    }
    run_route(ROUTE_DIRECT, shares, count);
    for (size_t i = 0; i < count; i++)
        buffered |= run_odd(&shares[i]);
    if (buffered)
        run_route(ROUTE_BUFFERED, shares, count);
    for (size_t i = 0; i < count; i++) {
        if (shares[i].status == SNAP_OK)
            shares[i].status = first_failure(file_of(&shares[i]), shares[i].requests, shares[i].count, shares[i].err);
    }
}

enum snap_status snap_file_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                    struct snap_error *err)
{
    struct snap_io_share share = {.io = io, .requests = requests, .count = count, .err = err};

    snap_file_transfer_shares(&share, 1);
    return share.status;
}

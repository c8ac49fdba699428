/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies between vectors and one aligned buffer. */
#include "lib/io/bounce_private.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/io/engine_private.h"

#include <errno.h>
#include <string.h>

#define BOUNCE_BYTES (1u << 20)

/* Copies between `flat` and the bytes of the request from `position_bytes` on: into the vector for a read. */
static void copy_vector(const struct snap_io_request *request, uint64_t position_bytes, char *flat,
                        uint64_t length_bytes)
{
    for (unsigned i = 0; i < request->iov_count && length_bytes > 0; i++) {
        uint64_t element_bytes = request->iov[i].iov_len;
        uint64_t part_bytes;
        char *element;

        if (position_bytes >= element_bytes) {
            position_bytes -= element_bytes;
            continue;
        }
        element = (char *)request->iov[i].iov_base + position_bytes;
        part_bytes = snap_min(element_bytes - position_bytes, length_bytes);
        if (request->kind == SNAP_IO_READ)
            memcpy(element, flat, (size_t)part_bytes);
        else
            memcpy(flat, element, (size_t)part_bytes);
        flat += part_bytes;
        length_bytes -= part_bytes;
        position_bytes = 0;
    }
}

int snap_bounce_run(const struct snap_opened *opened, char **buffer, const struct snap_io_request *request)
{
    const uint64_t align_bytes = opened->direct_align_bytes;
    const uint64_t total_bytes = snap_io_request_bytes(request);

    if (!*buffer)
        *buffer = snap_buffer_new(BOUNCE_BYTES);
    if (!*buffer || align_bytes > BOUNCE_BYTES)
        return ENOMEM;
    for (uint64_t done_bytes = 0, part_bytes; done_bytes < total_bytes; done_bytes += part_bytes) {
        uint64_t offset_bytes = request->offset_bytes + done_bytes;
        uint64_t before_bytes = offset_bytes % align_bytes;
        uint64_t wide_bytes;
        struct iovec iov = {.iov_base = *buffer};
        struct snap_engine_request raw = {.kind = request->kind, .fd = opened->direct_fd, .iov = &iov,
                                       .iov_count = 1};

        part_bytes = snap_min(total_bytes - done_bytes, BOUNCE_BYTES - before_bytes);
        if (!snap_round_up(before_bytes + part_bytes, align_bytes, &wide_bytes))
            return EOVERFLOW;
        raw.offset_bytes = offset_bytes - before_bytes;
        iov.iov_len = (size_t)wide_bytes;
        if (request->kind == SNAP_IO_WRITE) /* never widened: see route_of in file.c */
            copy_vector(request, done_bytes, *buffer, part_bytes);
        snap_engine_request_init(&raw);
        snap_engine_request_run(&raw);
        if (raw.sys_errno)
            return raw.sys_errno;
        if (request->kind == SNAP_IO_READ)
            copy_vector(request, done_bytes, *buffer + before_bytes, part_bytes);
    }
    return 0;
}

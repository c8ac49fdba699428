/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The steps of one raw request, which all engines share, and the plainest way to take them. */
#include "lib/io/engine_private.h"

#include "lib/base/arith.h"

#include <errno.h>

/* One step of a single buffer; the kernel cuts at nearly 2 GiB, a power of two keeps the rest aligned. */
#define STEP_BYTES_MAX (1u << 30)

static void skip_empty(struct snap_engine_request *raw)
{
    while (raw->iov_count > 0 && raw->iov_done_bytes == raw->iov[0].iov_len) {
        raw->iov++;
        raw->iov_count--;
        raw->iov_done_bytes = 0;
    }
}

void snap_engine_request_init(struct snap_engine_request *raw)
{
    raw->iov_done_bytes = 0;
    raw->left_bytes = 0;
    for (unsigned i = 0; i < raw->iov_count; i++)
        raw->left_bytes += raw->iov[i].iov_len;
    raw->started = false;
    raw->done = raw->left_bytes == 0;
    raw->sys_errno = 0;
    skip_empty(raw);
}

void snap_engine_request_next(const struct snap_engine_request *raw, struct snap_engine_step *step)
{
    /* The vector is the caller's and stays as it is: what is left of a half-done element goes alone. */
    if (raw->iov_count > 1 && raw->iov_done_bytes == 0) {
        *step = (struct snap_engine_step){.iov = raw->iov, .iov_count = raw->iov_count};
        return;
    }
    *step = (struct snap_engine_step){
        .buffer = (char *)raw->iov[0].iov_base + raw->iov_done_bytes,
        .length_bytes = (uint32_t)snap_min(raw->iov[0].iov_len - raw->iov_done_bytes, STEP_BYTES_MAX),
    };
}

static bool end(struct snap_engine_request *raw, int sys_errno)
{
    raw->sys_errno = sys_errno;
    raw->done = true;
    return true;
}

bool snap_engine_request_advance(struct snap_engine_request *raw, int64_t result)
{
    uint64_t bytes;

    if (result == -EINTR)
        return false;
    /*
     * The rest of a short direct transfer need not be aligned: the kernel's EINVAL then only hides that it was
     * short.
     */
    if (result < 0)
        return end(raw, result == -EINVAL && raw->started ? EIO : (int)-result);
    bytes = (uint64_t)result;
    if (bytes == 0 || bytes > raw->left_bytes)
        return end(raw, EIO);

    raw->started = true;
    raw->offset_bytes += bytes;
    raw->left_bytes -= bytes;
    while (bytes > 0) {
        uint64_t part_bytes = snap_min(bytes, raw->iov[0].iov_len - raw->iov_done_bytes);

        raw->iov_done_bytes += (size_t)part_bytes;
        bytes -= part_bytes;
        skip_empty(raw);
    }
    return raw->left_bytes == 0 ? end(raw, 0) : false;
}

static int64_t take_step(const struct snap_engine_request *raw)
{
    struct snap_engine_step step;
    struct iovec single;
    const struct iovec *iov;
    int iov_count = 1;
    ssize_t bytes;

    snap_engine_request_next(raw, &step);
    single = (struct iovec){step.buffer, step.length_bytes};
    iov = &single;
    if (step.iov) {
        iov = step.iov;
        iov_count = (int)step.iov_count;
    }
    if (raw->kind == SNAP_IO_READ)
        bytes = preadv(raw->fd, iov, iov_count, (off_t)raw->offset_bytes);
    else
        bytes = pwritev(raw->fd, iov, iov_count, (off_t)raw->offset_bytes);
    return bytes < 0 ? -errno : bytes;
}

void snap_engine_request_run(struct snap_engine_request *raw)
{
    while (!raw->done)
        (void)snap_engine_request_advance(raw, take_step(raw));
}

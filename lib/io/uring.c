/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine over io_uring, many requests per system call: the only user of liburing. */
#include "lib/io/engine_private.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <time.h>

#define DEPTH_MIN 8u /* fewer in flight are not worth a ring */

/*
 * The kernel hands the requests of one call to the device when it has prepared all of them. With a few in each call,
 * the device works on the first ones while the others are prepared; a call for each one would cost more than that
 * saves.
 */
#define SUBMIT_REQUESTS 8u

struct uring_engine {
    struct snap_engine engine;
    struct io_uring ring;
    unsigned depth;
    unsigned in_flight; /* taken by the kernel, not yet answered */
    unsigned queued;    /* in the submission queue, not yet taken */
    bool broken;        /* the ring fails as such: it is not entered again */
};

/*
 * The queue has room for `depth` entries, and no more than that are queued or in flight: there always is one free.
 */
static void queue(struct uring_engine *uring, struct snap_engine_request *raw)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring->ring);
    struct snap_engine_step step;

    if (!sqe) {
        uring->broken = true; /* its request is carried out by run_rest */
        return;
    }
    snap_engine_request_next(raw, &step);
    if (raw->kind == SNAP_IO_READ && step.iov)
        io_uring_prep_readv(sqe, raw->fd, step.iov, step.iov_count, raw->offset_bytes);
    else if (raw->kind == SNAP_IO_READ)
        io_uring_prep_read(sqe, raw->fd, step.buffer, step.length_bytes, raw->offset_bytes);
    else if (step.iov)
        io_uring_prep_writev(sqe, raw->fd, step.iov, step.iov_count, raw->offset_bytes);
    else
        io_uring_prep_write(sqe, raw->fd, step.buffer, step.length_bytes, raw->offset_bytes);
    io_uring_sqe_set_data(sqe, raw);
    uring->queued++;
}

/* Takes all answers that are there, without a system call. Rests are queued again, unless the ring is broken. */
static void reap(struct uring_engine *uring)
{
    struct io_uring_cqe *cqe;

    while (io_uring_peek_cqe(&uring->ring, &cqe) == 0) {
        struct snap_engine_request *raw = io_uring_cqe_get_data(cqe);
        int result = cqe->res;

        io_uring_cqe_seen(&uring->ring, cqe);
        uring->in_flight--;
        /* Short of memory, say: a plain call waits where the ring does not, so this cannot spin. */
        if (result == -EAGAIN)
            snap_engine_request_run(raw);
        else if (!snap_engine_request_advance(raw, result) && !uring->broken)
            queue(uring, raw);
    }
}

/* Hands the queue to the kernel and waits until `wait_count` answers are there; an interruption may come first. */
static void enter(struct uring_engine *uring, unsigned wait_count)
{
    int result = io_uring_submit_and_wait(&uring->ring, wait_count);

    if (result >= 0) {
        unsigned taken = (unsigned)result < uring->queued ? (unsigned)result : uring->queued;

        uring->queued -= taken;
        uring->in_flight += taken;
    } else if (result == -EAGAIN || result == -EBUSY) {
        /*
         * Nothing can be taken just now. With nothing in flight whose end could change that, do without the ring.
         */
        uring->broken = uring->in_flight == 0;
    } else if (result != -EINTR) {
        uring->broken = true;
    }
}

/*
 * The way out of a broken ring. What the kernel has taken still writes to or reads from the caller's memory, so
 * wait for all of it; the rest is done with plain calls.
 */
static void run_rest(struct uring_engine *uring, struct snap_engine_request *requests, size_t count)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (reap(uring); uring->in_flight > 0; reap(uring))
        (void)nanosleep(&pause, NULL);
    uring->queued = 0;
    for (size_t i = 0; i < count; i++)
        snap_engine_request_run(&requests[i]);
}

static void uring_run(struct snap_engine *engine, struct snap_engine_request *requests, size_t count)
{
    struct uring_engine *uring = (struct uring_engine *)engine;
    size_t next = 0;

    while (!uring->broken) {
        unsigned busy;

        for (; next < count && !uring->broken && uring->queued + uring->in_flight < uring->depth; next++) {
            if (!requests[next].done)
                queue(uring, &requests[next]);
            if (uring->queued >= SUBMIT_REQUESTS)
                enter(uring, 0);
        }
        if (uring->broken)
            break;
        busy = uring->queued + uring->in_flight;
        if (busy == 0)
            return;
        /* Refill at half the depth: the device always has work, and one call serves many requests. */
        enter(uring, next < count && busy > 1 ? busy / 2 : busy);
        reap(uring);
    }
    run_rest(uring, requests, count);
}

static void uring_close(struct snap_engine *engine)
{
    struct uring_engine *uring = (struct uring_engine *)engine;

    io_uring_queue_exit(&uring->ring);
    free(uring);
}

/* The single-buffer operations are younger than io_uring itself. */
static bool operations_known(struct io_uring *ring)
{
    struct io_uring_probe *probe = io_uring_get_probe_ring(ring);
    bool known = probe && io_uring_opcode_supported(probe, IORING_OP_READV) &&
                 io_uring_opcode_supported(probe, IORING_OP_WRITEV) &&
                 io_uring_opcode_supported(probe, IORING_OP_READ) &&
                 io_uring_opcode_supported(probe, IORING_OP_WRITE);

    io_uring_free_probe(probe);
    return known;
}

/*
 * A plain ring: the flags that bind a ring to one task would forbid to open an io in one thread and to use it in
 * another.
 */
int snap_engine_open_uring(struct snap_engine **engine, unsigned queue_depth)
{
    static const struct snap_engine_ops ops = {.run = uring_run, .close = uring_close};
    struct uring_engine *uring = calloc(1, sizeof *uring);
    int result;

    if (!uring)
        return ENOMEM;
    /* Old kernels count rings against RLIMIT_MEMLOCK: a smaller one may still fit. */
    result = io_uring_queue_init(queue_depth, &uring->ring, 0);
    for (; result == -ENOMEM && queue_depth > DEPTH_MIN; result = io_uring_queue_init(queue_depth, &uring->ring, 0))
        queue_depth /= 2;
    if (result == 0 && !operations_known(&uring->ring)) {
        io_uring_queue_exit(&uring->ring);
        result = -ENOSYS;
    }
    if (result < 0) {
        free(uring);
        return -result;
    }
    uring->engine.ops = &ops;
    uring->depth = queue_depth;
    *engine = &uring->engine;
    return 0;
}

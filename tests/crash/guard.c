/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guarded device. */
#include "tests/crash/guard.h"

#include "tests/support/io_mem.h"

#include <errno.h>
#include <stdlib.h>

struct guarded {
    struct snap_io io;
    struct guard *guard;
    struct snap_io *lower;
};

/* Counts a write or flush; false from the moment of death on. */
static bool step(struct guard *guard)
{
    if (guard->mortal && !guard->dead && guard->steps_left-- == 0)
        guard->dead = true;
    return !guard->dead;
}

static enum snap_status guarded_transfer(struct snap_io *io, struct snap_io_request *requests, size_t count,
                                         struct snap_error *err)
{
    struct guarded *guarded = (struct guarded *)io;
    struct guard *guard = guarded->guard;
    size_t alive = 0; /* requests in front of the death */
    enum snap_status status = SNAP_OK;

    (void)pthread_mutex_lock(&guard->lock);
    while (alive < count && (requests[alive].kind == SNAP_IO_READ ? !guard->dead : step(guard)))
        alive++;
    if (alive > 0)
        status = snap_io_transfer(guarded->lower, requests, alive, err);
    for (size_t i = alive; i < count; i++)
        requests[i].sys_errno = EIO;
    if (status == SNAP_OK)
        status = test_transfer_result(io, requests, count, err);
    (void)pthread_mutex_unlock(&guard->lock);
    return status;
}

static enum snap_status guarded_flush(struct snap_io *io, struct snap_error *err)
{
    struct guarded *guarded = (struct guarded *)io;
    enum snap_status status;

    (void)pthread_mutex_lock(&guarded->guard->lock);
    status = step(guarded->guard) ? snap_io_flush(guarded->lower, err)
                                  : snap_fail_errno(err, EIO, "%s: flush failed", io->name);
    (void)pthread_mutex_unlock(&guarded->guard->lock);
    return status;
}

static enum snap_status guarded_close(struct snap_io *io, struct snap_error *err)
{
    enum snap_status status = snap_io_close(((struct guarded *)io)->lower, err);

    free(io);
    return status;
}

void guard_init(struct guard *guard)
{
    *guard = (struct guard){.mortal = false};
    if (pthread_mutex_init(&guard->lock, NULL) != 0)
        abort();
}

void guard_destroy(struct guard *guard)
{
    (void)pthread_mutex_destroy(&guard->lock);
}

struct snap_io *guard_new(struct guard *guard, struct snap_io *lower)
{
    static const struct snap_io_ops ops = {
        .transfer = guarded_transfer, .flush = guarded_flush, .close = guarded_close};
    struct guarded *guarded = test_calloc(1, sizeof *guarded);

    guarded->io = *lower;
    guarded->io.ops = &ops;
    guarded->guard = guard;
    guarded->lower = lower;
    return &guarded->io;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How requests reach the kernel: engines that carry out many reads and writes at the same time. */
#ifndef DMSNAP_IO_ENGINE_PRIVATE
#define DMSNAP_IO_ENGINE_PRIVATE

#include "lib/io/io.h"

/*
 * One read or write of a descriptor, and how far it has come. An engine carries it on until it is done or fails.
 */
struct snap_engine_request {
    enum snap_io_kind kind;
    int fd;
    uint64_t offset_bytes;    /* where the rest starts */
    const struct iovec *iov;  /* the rest, but for the first bytes of iov[0]; borrowed */
    unsigned iov_count;
    size_t iov_done_bytes;    /* of iov[0] */
    uint64_t left_bytes;
    bool started;             /* some of it is done */
    bool done;                /* ended, well or not */
    int sys_errno;            /* 0, or why it failed */
};

/* What to ask the kernel for next: one buffer where iov is NULL, else a vector. */
struct snap_engine_step {
    const struct iovec *iov;
    unsigned iov_count;
    void *buffer;
    uint32_t length_bytes;
};

/*
 * Prepares `raw`, whose kind, fd, offset_bytes, iov and iov_count are set. A request of 0 bytes is done at once.
 */
void snap_engine_request_init(struct snap_engine_request *raw);

/* The next step of a request that is not done. */
void snap_engine_request_next(const struct snap_engine_request *raw, struct snap_engine_step *step);

/*
 * Takes the kernel's answer to a step: bytes, or -errno. True where the request has ended. A short answer and an
 * interruption leave a rest; 0 bytes are EIO (the end of the file, or a write that does not get on).
 */
bool snap_engine_request_advance(struct snap_engine_request *raw, int64_t result);

/* Carries one request to its end in the calling thread. */
void snap_engine_request_run(struct snap_engine_request *raw);

struct snap_engine;

struct snap_engine_ops {
    /* Returns when every request is done; what became of each is its sys_errno. One caller at a time. */
    void (*run)(struct snap_engine *engine, struct snap_engine_request *requests, size_t count);
    void (*close)(struct snap_engine *engine);
};

struct snap_engine {
    const struct snap_engine_ops *ops;
};

/*
 * Each returns 0 or an errno. ENOSYS and EPERM, for instance: the kernel has no io_uring, or forbids it; EOPNOTSUPP:
 * this build lacks liburing.
 */
int snap_engine_open_uring(struct snap_engine **engine, unsigned queue_depth);
int snap_engine_open_threads(struct snap_engine **engine, unsigned queue_depth);

#endif

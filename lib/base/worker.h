/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that works for its caller: one piece of work after the other, beside what the caller does meanwhile. */
#ifndef DMSNAP_BASE_WORKER
#define DMSNAP_BASE_WORKER

#include <pthread.h>
#include <stdbool.h>

#define SNAP_WORKER_WORKS 4u

struct snap_worker_work {
    void (*work)(void *);
    void *context;
};

/* Starts as all zeros; must not move while it is used. All functions are for one caller. */
struct snap_worker {
    pthread_t thread;
    bool started;
    bool alone;             /* the system gives no thread: the caller does the work */
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t changed;
    struct snap_worker_work works[SNAP_WORKER_WORKS]; /* a ring */
    unsigned first;         /* the work that is being done, or is the next one */
    unsigned count;         /* of works that are not done */
    bool ends;
};

/*
 * Has `work` done in the thread, after the works that were given before; where SNAP_WORKER_WORKS of them are not done,
 * waits for the first. The thread is started by the first work for it, stays until snap_worker_end, and takes no
 * signals. Where the system gives no thread, or `worker` is NULL, the work is done before this returns: it cannot fail.
 * What `context` refers to belongs to the work until snap_worker_wait, or snap_worker_wait_until.
 *
 * The thread has the stack that the C library gives, which is 128 KiB with musl. The deepest work there is takes less
 * than 56 KiB of it (as gcc -fstack-usage and -fcallgraph-info add it up), with two struct snap_error of 16 KiB.
 */
void snap_worker_do(struct snap_worker *worker, void (*work)(void *), void *context);

/* Waits for all works, if there are any; what they have written can be read then. */
void snap_worker_wait(struct snap_worker *worker);

/* Waits until no more than the last `left` of the works are not done; what the others have written can be read then. */
void snap_worker_wait_until(struct snap_worker *worker, unsigned left);

/* Waits for all works and ends the thread; all zeros again. */
void snap_worker_end(struct snap_worker *worker);

#endif

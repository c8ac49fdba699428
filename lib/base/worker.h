/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A thread that works for its caller: one piece of work at a time, beside what the caller does meanwhile. */
#ifndef DMSNAP_BASE_WORKER
#define DMSNAP_BASE_WORKER

#include <pthread.h>
#include <stdbool.h>

/* Starts as all zeros; must not move while it is used. All functions are for one caller. */
struct snap_worker {
    pthread_t thread;
    bool started;
    bool alone;             /* the system gives no thread: the caller does the work */
    pthread_mutex_t lock;   /* guards what follows */
    pthread_cond_t changed;
    void (*work)(void *);   /* NULL: none, or it is done */
    void *context;
    bool ends;
};

/*
 * Has `work` done in the thread, after the work that was given before. The thread is started by the first work for it,
 * stays until snap_worker_end, and takes no signals. Where the system gives no thread, or `worker` is NULL, the work is
 * done before this returns: it cannot fail. What `context` refers to belongs to the work until snap_worker_wait.
 *
 * The thread has the stack that the C library gives, which is 128 KiB with musl. The deepest work there is takes less
 * than 56 KiB of it (as gcc -fstack-usage and -fcallgraph-info add it up), with two struct snap_error of 16 KiB.
 */
void snap_worker_do(struct snap_worker *worker, void (*work)(void *), void *context);

/* Waits for the work, if there is any; what it has written can be read then. */
void snap_worker_wait(struct snap_worker *worker);

/* Waits for the work and ends the thread; all zeros again. */
void snap_worker_end(struct snap_worker *worker);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread that waits for work, and a lock over what both sides see. */
#include "lib/base/worker.h"

#include <signal.h>
#include <string.h>

static void *serve(void *argument)
{
    struct snap_worker *worker = argument;

    pthread_mutex_lock(&worker->lock);
    while (!worker->ends) {
        const struct snap_worker_work next = worker->works[worker->first];

        if (worker->count == 0) {
            pthread_cond_wait(&worker->changed, &worker->lock);
            continue;
        }
        pthread_mutex_unlock(&worker->lock);
        next.work(next.context);
        pthread_mutex_lock(&worker->lock);
        worker->first = (worker->first + 1) % SNAP_WORKER_WORKS;
        worker->count--;
        /* Signalled without the lock, so that the caller finds it free; it outlives this thread, which it joins. */
        pthread_mutex_unlock(&worker->lock);
        pthread_cond_signal(&worker->changed);
        pthread_mutex_lock(&worker->lock);
    }
    pthread_mutex_unlock(&worker->lock);
    return NULL;
}

/* Signals are for the program's own threads. */
static bool start_thread(struct snap_worker *worker)
{
    sigset_t all, before;
    bool started;

    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    started = pthread_create(&worker->thread, NULL, serve, worker) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static bool start(struct snap_worker *worker)
{
    if (pthread_mutex_init(&worker->lock, NULL) != 0)
        return false;
    if (pthread_cond_init(&worker->changed, NULL) == 0) {
        if (start_thread(worker))
            return true;
        pthread_cond_destroy(&worker->changed);
    }
    pthread_mutex_destroy(&worker->lock);
    return false;
}

void snap_worker_do(struct snap_worker *worker, void (*work)(void *), void *context)
{
    if (worker && !worker->started && !worker->alone) {
        worker->started = start(worker);
        worker->alone = !worker->started;
    }
    if (!worker || worker->alone) {
        work(context);
        return;
    }
    snap_worker_wait_until(worker, SNAP_WORKER_WORKS - 1);
    pthread_mutex_lock(&worker->lock);
    worker->works[(worker->first + worker->count++) % SNAP_WORKER_WORKS] = (struct snap_worker_work){work, context};
    pthread_mutex_unlock(&worker->lock);
    pthread_cond_signal(&worker->changed);
}

void snap_worker_wait(struct snap_worker *worker)
{
    snap_worker_wait_until(worker, 0);
}

void snap_worker_wait_until(struct snap_worker *worker, unsigned left)
{
    if (!worker || !worker->started)
        return;
    pthread_mutex_lock(&worker->lock);
    while (worker->count > left)
        pthread_cond_wait(&worker->changed, &worker->lock);
    pthread_mutex_unlock(&worker->lock);
}

void snap_worker_end(struct snap_worker *worker)
{
    snap_worker_wait(worker);
    if (worker->started) {
        pthread_mutex_lock(&worker->lock);
        worker->ends = true;
        pthread_cond_signal(&worker->changed);
        pthread_mutex_unlock(&worker->lock);
        (void)pthread_join(worker->thread, NULL); /* fails only for a thread that is none */
        pthread_cond_destroy(&worker->changed);
        pthread_mutex_destroy(&worker->lock);
    }
    memset(worker, 0, sizeof *worker);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread that waits for work, and a lock over what both sides see. */
#include "lib/base/worker.h"

#include <signal.h>
#include <string.h>

static void *serve(void *argument)
{
    struct snap_worker *ahead = argument;

    pthread_mutex_lock(&ahead->lock);
    while (!ahead->ends) {
        if (!ahead->work) {
            pthread_cond_wait(&ahead->changed, &ahead->lock);
            continue;
        }
        pthread_mutex_unlock(&ahead->lock);
        ahead->work(ahead->context); /* both stay as they are until it is done */
        pthread_mutex_lock(&ahead->lock);
        ahead->work = NULL;
        /* Who is woken finds the lock free; the caller does not end before this thread has. */
        pthread_mutex_unlock(&ahead->lock);
        pthread_cond_signal(&ahead->changed);
        pthread_mutex_lock(&ahead->lock);
    }
    pthread_mutex_unlock(&ahead->lock);
    return NULL;
}

/* Signals are for the program's own threads. */
static bool start_thread(struct snap_worker *ahead)
{
    sigset_t all, before;
    bool started;

    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return false;
    started = pthread_create(&ahead->thread, NULL, serve, ahead) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

static bool start(struct snap_worker *ahead)
{
    if (pthread_mutex_init(&ahead->lock, NULL) != 0)
        return false;
    if (pthread_cond_init(&ahead->changed, NULL) == 0) {
        if (start_thread(ahead))
            return true;
        pthread_cond_destroy(&ahead->changed);
    }
    pthread_mutex_destroy(&ahead->lock);
    return false;
}

void snap_worker_do(struct snap_worker *ahead, void (*work)(void *), void *context)
{
    snap_worker_wait(ahead);
    if (ahead && !ahead->started && !ahead->alone) {
        ahead->started = start(ahead);
        ahead->alone = !ahead->started;
    }
    if (!ahead || ahead->alone) {
        work(context);
        return;
    }
    pthread_mutex_lock(&ahead->lock);
    ahead->work = work;
    ahead->context = context;
    pthread_mutex_unlock(&ahead->lock);
    pthread_cond_signal(&ahead->changed);
}

void snap_worker_wait(struct snap_worker *ahead)
{
    if (!ahead || !ahead->started)
        return;
    pthread_mutex_lock(&ahead->lock);
    while (ahead->work)
        pthread_cond_wait(&ahead->changed, &ahead->lock);
    pthread_mutex_unlock(&ahead->lock);
}

void snap_worker_end(struct snap_worker *ahead)
{
    snap_worker_wait(ahead);
    if (ahead->started) {
        pthread_mutex_lock(&ahead->lock);
        ahead->ends = true;
        pthread_cond_signal(&ahead->changed);
        pthread_mutex_unlock(&ahead->lock);
        (void)pthread_join(ahead->thread, NULL); /* fails only for a thread that is none */
        pthread_cond_destroy(&ahead->changed);
        pthread_mutex_destroy(&ahead->lock);
    }
    memset(ahead, 0, sizeof *ahead);
}

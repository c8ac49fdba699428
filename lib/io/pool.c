/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine over a pool of threads and plain system calls, for systems without io_uring. */
#include "lib/io/engine_private.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define THREADS_MAX 32u

struct pool_engine {
    struct snap_engine engine;
    unsigned threads_wanted;   /* beside the calling thread, which works too */
    unsigned threads;          /* running */
    bool start_tried;
    pthread_t thread[THREADS_MAX];

    pthread_mutex_t lock;      /* guards what follows */
    pthread_cond_t work_ready;
    pthread_cond_t work_ended;
    struct snap_engine_request *requests;
    size_t count;
    size_t next;               /* first request that nobody has taken */
    size_t ended;
    bool stop;
};

/* Takes requests until none is left. Called and left with the lock held. */
static void work(struct pool_engine *pool)
{
    while (pool->next < pool->count) {
        struct snap_engine_request *raw = &pool->requests[pool->next++];

        pthread_mutex_unlock(&pool->lock);
        snap_engine_request_run(raw);
        pthread_mutex_lock(&pool->lock);
        if (++pool->ended == pool->count)
            pthread_cond_signal(&pool->work_ended);
    }
}

static void *worker(void *argument)
{
    struct pool_engine *pool = argument;

    pthread_mutex_lock(&pool->lock);
    while (!pool->stop) {
        work(pool);
        if (!pool->stop)
            pthread_cond_wait(&pool->work_ready, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* Starts what the system gives; with no thread at all the caller does all the work. */
static void start_workers(struct pool_engine *pool)
{
    sigset_t all, before;

    pool->start_tried = true;
    /* Signals are for the program's own threads. */
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0)
        return;
    while (pool->threads < pool->threads_wanted &&
           pthread_create(&pool->thread[pool->threads], NULL, worker, pool) == 0)
        pool->threads++;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void pool_run(struct snap_engine *engine, struct snap_engine_request *requests, size_t count)
{
    struct pool_engine *pool = (struct pool_engine *)engine;

    if (count > 1 && !pool->start_tried)
        start_workers(pool);
    pthread_mutex_lock(&pool->lock);
    pool->requests = requests;
    pool->count = count;
    pool->next = 0;
    pool->ended = 0;
    if (count > 1)
        pthread_cond_broadcast(&pool->work_ready);
    work(pool);
    while (pool->ended < pool->count)
        pthread_cond_wait(&pool->work_ended, &pool->lock);
    pool->requests = NULL;
    pool->count = 0;
    pool->next = 0;
    pthread_mutex_unlock(&pool->lock);
}

static void pool_close(struct snap_engine *engine)
{
    struct pool_engine *pool = (struct pool_engine *)engine;

    pthread_mutex_lock(&pool->lock);
    pool->stop = true;
    pthread_cond_broadcast(&pool->work_ready);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->threads; i++)
        (void)pthread_join(pool->thread[i], NULL);
    pthread_cond_destroy(&pool->work_ended);
    pthread_cond_destroy(&pool->work_ready);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

int snap_engine_open_threads(struct snap_engine **engine, unsigned queue_depth)
{
    static const struct snap_engine_ops ops = {.run = pool_run, .close = pool_close};
    struct pool_engine *pool = calloc(1, sizeof *pool);
    int failed;

    if (!pool)
        return ENOMEM;
    pool->engine.ops = &ops;
    pool->threads_wanted = (queue_depth < THREADS_MAX ? queue_depth : THREADS_MAX) - 1;
    failed = pthread_mutex_init(&pool->lock, NULL);
    if (failed)
        goto free_pool;
    failed = pthread_cond_init(&pool->work_ready, NULL);
    if (failed)
        goto destroy_lock;
    failed = pthread_cond_init(&pool->work_ended, NULL);
    if (failed)
        goto destroy_ready;
    *engine = &pool->engine;
    return 0;

destroy_ready:
    pthread_cond_destroy(&pool->work_ready);
destroy_lock:
    pthread_mutex_destroy(&pool->lock);
free_pool:
    free(pool);
    return failed;
}

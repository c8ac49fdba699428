/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The thread that reads ahead: the work is done in turn beside the caller, and without a thread, too. */
#include "lib/base/worker.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct work {
    pthread_t thread;
    unsigned times;
    bool all_blocked;
    pthread_mutex_t *gate; /* is waited for, if there is one */
};

static void work(void *context)
{
    struct work *done = context;
    sigset_t blocked;

    if (done->gate) {
        pthread_mutex_lock(done->gate);
        pthread_mutex_unlock(done->gate);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    done->all_blocked = sigismember(&blocked, SIGINT) == 1 && sigismember(&blocked, SIGUSR1) == 1;
    done->thread = pthread_self();
    done->times++;
}

static void test_beside_the_caller(void **state)
{
    struct snap_worker ahead = {0};
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct work done = {.gate = &gate};

    (void)state;
    pthread_mutex_lock(&gate); /* were it done before the call returns, this would never end */
    snap_worker_do(&ahead, work, &done);
    pthread_mutex_unlock(&gate);
    snap_worker_wait(&ahead);
    assert_int_equal(done.times, 1);
    assert_false(pthread_equal(done.thread, pthread_self()));
    assert_true(done.all_blocked);
    snap_worker_end(&ahead);
}

static void test_the_callers_signals_stay_as_they_are(void **state)
{
    struct snap_worker ahead = {0};
    struct work done = {0};
    sigset_t blocked;

    (void)state;
    snap_worker_do(&ahead, work, &done);
    snap_worker_end(&ahead);
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    assert_int_equal(sigismember(&blocked, SIGINT), 0);
}

static void test_one_thread_for_all_work(void **state)
{
    struct snap_worker ahead = {0};
    struct work first = {0}, done = {0};

    (void)state;
    snap_worker_do(&ahead, work, &first);
    snap_worker_wait(&ahead);
    for (unsigned i = 1; i <= 1000; i++) {
        snap_worker_do(&ahead, work, &done);
        snap_worker_wait(&ahead);
        assert_int_equal(done.times, i);
        assert_true(pthread_equal(done.thread, first.thread));
    }
    snap_worker_end(&ahead);
}

static void test_work_given_while_there_is_some_comes_after_it(void **state)
{
    static struct work done[1000]; /* more than may wait */
    struct snap_worker ahead = {0};

    (void)state;
    for (unsigned i = 0; i < 1000; i++)
        snap_worker_do(&ahead, work, &done[i]);
    snap_worker_wait(&ahead);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(done[i].times, 1);
    snap_worker_end(&ahead);
}

/* The first works are done while the last one is not: who needs only them does not wait for it. */
static void test_waiting_for_the_first_works(void **state)
{
    struct snap_worker ahead = {0};
    struct work first = {0}, last = {0};
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

    (void)state;
    last.gate = &gate;
    for (unsigned i = 1; i <= 100; i++) {
        pthread_mutex_lock(&gate);
        snap_worker_do(&ahead, work, &first);
        snap_worker_do(&ahead, work, &first);
        snap_worker_do(&ahead, work, &last);
        snap_worker_wait_until(&ahead, 1); /* would never end if it waited for all */
        assert_int_equal(first.times, 2 * i);
        assert_int_equal(last.times, i - 1);
        pthread_mutex_unlock(&gate);
        snap_worker_wait(&ahead);
        assert_int_equal(last.times, i);
    }
    snap_worker_wait_until(NULL, 1);
    snap_worker_end(&ahead);
    snap_worker_wait_until(&ahead, 1);
}

static void test_the_end_waits_for_the_work(void **state)
{
    struct snap_worker ahead = {0}, zeros = {0};

    (void)state;
    for (unsigned i = 0; i < 100; i++) {
        struct work done = {0};

        snap_worker_do(&ahead, work, &done);
        snap_worker_end(&ahead);
        assert_int_equal(done.times, 1);
    }
    assert_memory_equal(&ahead, &zeros, sizeof zeros); /* and it can be used again */
    snap_worker_end(&ahead);
    snap_worker_wait(&ahead);
}

static void test_no_thread_wanted(void **state)
{
    struct work done = {0};

    (void)state;
    snap_worker_do(NULL, work, &done);
    assert_int_equal(done.times, 1);
    assert_true(pthread_equal(done.thread, pthread_self()));
    snap_worker_wait(NULL);
}

/* In a child, for the limit stays: another user than root, whom it does not bind, who may have no further thread. */
static int without_threads(void)
{
    const struct rlimit none = {0};
    struct snap_worker ahead = {0};
    struct work done = {0};

    if ((geteuid() == 0 && setuid(65534) != 0) || setrlimit(RLIMIT_NPROC, &none) != 0)
        return 2;
    for (unsigned i = 1; i <= 3; i++) {
        snap_worker_do(&ahead, work, &done);
        if (ahead.started || done.times != i || !pthread_equal(done.thread, pthread_self()) || done.all_blocked)
            return 1;
        snap_worker_wait(&ahead);
    }
    snap_worker_end(&ahead);
    return 0;
}

static void test_no_thread_to_be_had(void **state)
{
    pid_t child = fork();
    int how;

    (void)state;
    assert_true(child >= 0);
    if (child == 0)
        _exit(without_threads());
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFEXITED(how));
    assert_int_equal(WEXITSTATUS(how), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beside_the_caller),
        cmocka_unit_test(test_the_callers_signals_stay_as_they_are),
        cmocka_unit_test(test_one_thread_for_all_work),
        cmocka_unit_test(test_work_given_while_there_is_some_comes_after_it),
        cmocka_unit_test(test_waiting_for_the_first_works),
        cmocka_unit_test(test_the_end_waits_for_the_work),
        cmocka_unit_test(test_no_thread_wanted),
        cmocka_unit_test(test_no_thread_to_be_had),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

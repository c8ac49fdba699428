/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns signals into two flags that the work polls. */
#include "tools/cli/stop.h"

#include "tools/cli/exit.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

static const int stop_numbers[] = {SIGINT, SIGTERM, SIGHUP};

#define STOP_NUMBERS (sizeof stop_numbers / sizeof stop_numbers[0])

static volatile sig_atomic_t stop_flag;
static volatile sig_atomic_t report_flag;

static void on_signal(int number)
{
    if (number == SIGUSR1) {
        report_flag = 1;
        return;
    }
    /* The store holds the progress, so leaving in the middle of a write is a crash like any other: safe. */
    if (number == SIGINT && stop_flag != 0)
        _exit(CLI_EXIT_STOPPED);
    stop_flag = 1;
}

void cli_catch_signals(void)
{
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    /* None of these can fail: the numbers are valid and may be caught. */
    (void)sigaction(SIGUSR1, &action, NULL);
    for (size_t i = 0; i < STOP_NUMBERS; i++) {
        if (stop_numbers[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue;
        (void)sigaction(stop_numbers[i], &action, NULL);
    }
}

bool cli_stop_wanted(void)
{
    return stop_flag != 0;
}

static void stops_mask(int how, sigset_t *before)
{
    sigset_t stops;

    sigemptyset(&stops);
    for (size_t i = 0; i < STOP_NUMBERS; i++)
        sigaddset(&stops, stop_numbers[i]);
    (void)pthread_sigmask(how, &stops, before); /* cannot fail: a valid request */
}

bool cli_stop_hold(void)
{
    stops_mask(SIG_BLOCK, NULL);
    return cli_stop_wanted();
}

void cli_stop_release(void)
{
    stops_mask(SIG_UNBLOCK, NULL);
}

bool cli_stop_wait(int fd, short events, unsigned grace_ms)
{
    const struct timespec grace = {.tv_sec = grace_ms / 1000, .tv_nsec = (long)(grace_ms % 1000) * 1000000};
    struct pollfd poll_fd = {.fd = fd, .events = events};
    sigset_t before;
    bool ready = false, stopped = false;
    int failed = 0;

    stops_mask(SIG_BLOCK, &before);
    while (!ready && !failed && !stopped) {
        int count;

        stopped = cli_stop_wanted(); /* this wait is the last one then */
        if (stopped && grace_ms == 0)
            break;
        count = ppoll(&poll_fd, 1, stopped ? &grace : NULL, &before);
        ready = count > 0;
        failed = count < 0 && errno != EINTR ? errno : 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = failed;
    return ready;
}

bool cli_stop_asked(void *context)
{
    (void)context;
    return cli_stop_wanted();
}

volatile sig_atomic_t *cli_report_flag(void)
{
    return &report_flag;
}

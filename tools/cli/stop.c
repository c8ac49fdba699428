/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns signals into two flags that the work polls. */
#include "tools/cli/stop.h"

#include "tools/cli/exit.h"

#include <string.h>
#include <unistd.h>

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
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGUSR1 };
    struct sigaction action, before;

    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i] == SIGHUP && sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler == SIG_IGN)
            continue;
        /* Cannot fail: the numbers are valid and may be caught. */
        (void)sigaction(numbers[i], &action, NULL);
    }
}

bool cli_stop_wanted(void)
{
    return stop_flag != 0;
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

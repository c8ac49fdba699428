/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns signals into two flags that the work polls. */
#ifndef DMSNAP_TOOLS_CLI_STOP
#define DMSNAP_TOOLS_CLI_STOP

#include <signal.h>
#include <stdbool.h>

/*
 * From here on SIGINT, SIGTERM and SIGHUP set the stop flag (a SIGHUP that was ignored at start stays ignored, for
 * nohup), a SIGINT after that ends the program at once with CLI_EXIT_STOPPED, and SIGUSR1 sets the report flag.
 * System calls are restarted. Call it once, before threads are made and before the first write.
 */
void cli_catch_signals(void);

/* Whether a stop was asked for. */
bool cli_stop_wanted(void);

/*
 * Waits until the descriptor is ready for `events` (POLLIN, POLLOUT). Once a stop is wanted, it waits for `grace_ms`
 * more, with 0 not at all, and returns false if it is not ready by then. False and no stop: it cannot wait; errno.
 * Signals are held back while it looks at the flag, so that none comes between the look and the wait.
 */
bool cli_stop_wait(int fd, short events, unsigned grace_ms);

/*
 * Holds back the signals that ask for a stop, and tells whether one was asked for before. For calls of the library that
 * notice a pending one themselves (lib/base/child.h): none may come between the look at the flag and such a call.
 * cli_stop_release lets them in; the flag then tells what came. Not nested.
 */
bool cli_stop_hold(void);
void cli_stop_release(void);

/* cli_stop_wanted, for the library's stop callbacks. */
bool cli_stop_asked(void *context);

/* Not 0 when a progress line is wanted now; who prints it sets it to 0 again (cli_progress_update does). */
volatile sig_atomic_t *cli_report_flag(void);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exit statuses of all four programs. */
#ifndef DMSNAP_TOOLS_CLI_EXIT
#define DMSNAP_TOOLS_CLI_EXIT

#include "lib/base/error.h"

enum cli_exit {
    CLI_EXIT_OK = 0,        /* done, clean, true */
    CLI_EXIT_CORRECTED = 1, /* snapcheck: all errors corrected; --test: false */
    CLI_EXIT_STORE = 4,     /* the store is damaged, invalid, none at all, or left with entries */
    CLI_EXIT_FAILED = 8,    /* operational error, or a refusal */
    CLI_EXIT_USAGE = 16,
    CLI_EXIT_STOPPED = 32   /* by a signal; safe, repeat to resume */
};

/* NOT_STORE, VERSION, INVALID, CORRUPT: 4. USAGE: 16. STOPPED: 32. OK: 0. All others: 8. */
int cli_exit_status(enum snap_status status);

/* The one to give of two: 32, 16, 8, 4, 1, 0 in this order. */
int cli_exit_worse(int first, int second);

/* The failure in a word that never changes, for JSON: "refused", "busy" (dmsnap(7), EXIT STATUS). */
const char *cli_exit_word(enum snap_status status);

/* How a piece of work ended, as JSON says it: "done", "stopped" or "failed". */
const char *cli_exit_outcome(enum snap_status status);

#endif

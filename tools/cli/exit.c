/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The exit statuses of all four programs. */
#include "tools/cli/exit.h"

int cli_exit_status(enum snap_status status)
{
    switch (status) {
    case SNAP_OK:
        return CLI_EXIT_OK;
    case SNAP_E_NOT_STORE:
    case SNAP_E_VERSION:
    case SNAP_E_INVALID:
    case SNAP_E_CORRUPT:
        return CLI_EXIT_STORE;
    case SNAP_E_USAGE:
        return CLI_EXIT_USAGE;
    case SNAP_E_STOPPED:
        return CLI_EXIT_STOPPED;
    case SNAP_E_REFUSED:
    case SNAP_E_BUSY:
    case SNAP_E_PERM:
    case SNAP_E_NOENT:
    case SNAP_E_NOSPC:
    case SNAP_E_IO:
    case SNAP_E_CHANGED:
    case SNAP_E_NOMEM:
    case SNAP_E_UNSUPPORTED:
    case SNAP_E_INTERNAL:
        break;
    }
    return CLI_EXIT_FAILED;
}

int cli_exit_worse(int first, int second)
{
    /* The numbers grow with the rank. */
    return first > second ? first : second;
}

const char *cli_exit_word(enum snap_status status)
{
    static const char *const words[] = {
        [SNAP_OK] = "ok",
        [SNAP_E_USAGE] = "usage",
        [SNAP_E_NOT_STORE] = "no-store",
        [SNAP_E_VERSION] = "unknown-version",
        [SNAP_E_INVALID] = "invalid",
        [SNAP_E_CORRUPT] = "damaged",
        [SNAP_E_REFUSED] = "refused",
        [SNAP_E_BUSY] = "busy",
        [SNAP_E_PERM] = "no-permission",
        [SNAP_E_NOENT] = "not-found",
        [SNAP_E_NOSPC] = "no-space",
        [SNAP_E_IO] = "io-error",
        [SNAP_E_CHANGED] = "changed",
        [SNAP_E_NOMEM] = "no-memory",
        [SNAP_E_UNSUPPORTED] = "unsupported",
        [SNAP_E_STOPPED] = "stopped",
        [SNAP_E_INTERNAL] = "internal",
    };

    return words[status];
}

const char *cli_exit_outcome(enum snap_status status)
{
    return status == SNAP_OK ? "done" : status == SNAP_E_STOPPED ? "stopped" : "failed";
}

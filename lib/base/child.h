/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does one piece of work in a process of its own that can do nothing else: for libraries that parse foreign bytes. */
#ifndef DMSNAP_BASE_CHILD
#define DMSNAP_BASE_CHILD

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Of processor time; a piece of work that takes more is ended. The clock ends none: see child.c, wait_for. */
#define SNAP_CHILD_SECONDS 20u

struct snap_child_work {
    /*
     * Runs in the new process. `fd` is the only descriptor there. Fills `answer`, which is zeroed before. What it
     * writes to memory otherwise is lost.
     */
    enum snap_status (*work)(int fd, void *answer, struct snap_error *err);
    int fd;              /* borrowed; should be open for reading only */
    bool may_open;       /* the work has to open other files for reading, with the rights of the caller */
    void *answer;        /* `answer_bytes`, at most 8 KiB, copied as they are: check what a pointer or number may be */
    size_t answer_bytes;
};

/*
 * Without may_open the process has no rights: no user (where the caller is root), no capabilities, no files, and of the
 * system calls only those of snap_confine_parser.
 *
 * Returns what the work returned, with its error text. SNAP_E_UNSUPPORTED: the process ended before the work was done,
 * because it crashed, took too long or was ended by somebody; the answer is all zeros then, and the caller knows
 * nothing more than before. SNAP_E_STOPPED: a SIGHUP, SIGINT or SIGTERM that the caller does not ignore came while it
 * waited, and the process is ended. The handler has run when this returns; a signal that the caller holds back is still
 * pending, also one that came before the call: a caller that looks at its flag and then calls holds them back over
 * both, so that none comes in between. SNAP_E_NOMEM, SNAP_E_IO: there was no process or no pipe for it.
 */
enum snap_status snap_child_run(const struct snap_child_work *work, struct snap_error *err);

#endif

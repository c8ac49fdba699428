/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Does one piece of work in a process of its own that can do nothing else: for libraries that parse foreign bytes. */
#ifndef DMSNAP_BASE_CHILD
#define DMSNAP_BASE_CHILD

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>

/* Of processor time; a piece of work that takes more is ended. The clock ends none: see child.c, wait_for. */
#define SNAP_CHILD_SECONDS 20u

/* Of one question and of one reply. */
#define SNAP_CHILD_QUESTION_BYTES_MAX 8192u
#define SNAP_CHILD_REPLY_BYTES_MAX 65536u

struct snap_child_work {
    /*
     * Runs in the new process. `fd` is the only descriptor there. Fills `answer`, which is zeroed before. What it
     * writes to memory otherwise is lost.
     */
    enum snap_status (*work)(int fd, void *answer, struct snap_error *err);
    int fd;              /* borrowed; should be open for reading only; not used with `serve` */
    bool may_open;       /* the work has to open other files for reading, with the rights of the caller */
    void *answer;        /* `answer_bytes`, at most 8 KiB, copied as they are: check what a pointer or number may be */
    size_t answer_bytes;
    /*
     * Answers what the work asks with snap_child_ask, in the caller's process: fills all of `reply`. Nothing of the
     * question may be trusted. SNAP_OK and SNAP_E_IO are told to the work; any other status ends the work, and
     * snap_child_run returns it. NULL: the work asks nothing.
     */
    enum snap_status (*serve)(void *context, const void *question, size_t question_bytes, void *reply,
                              size_t reply_bytes, struct snap_error *err);
    void *context;
    unsigned seconds;    /* of processor time; 0: SNAP_CHILD_SECONDS */
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

/*
 * For the work, where it has somebody who serves it: `fd` is its descriptor. The question has 1 byte at least.
 * SNAP_E_IO: that is what was answered. SNAP_E_STOPPED: nobody answers any more, and the work is to end.
 */
enum snap_status snap_child_ask(int fd, const void *question, size_t question_bytes, void *reply, size_t reply_bytes,
                                struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Standard output and standard error, where a signal ends the wait for somebody who reads. */
#ifndef DMSNAP_TOOLS_CLI_STREAMS
#define DMSNAP_TOOLS_CLI_STREAMS

#include "lib/base/error.h"

#include <stdio.h>

/*
 * A stream over standard output, standard error, or one other descriptor at a time; it closes what it is over. A write
 * to it waits for a reader, as any does, but not beyond a stop (stop.h): a reader who takes nothing for half a second
 * after that is given up, and so is the stream. From then on every write to it fails, with EINTR, and nothing more is
 * written: what was written has no holes. NULL where memory is short; nothing is closed then. Call it for the first two
 * before the program confines itself.
 */
FILE *cli_stream_open(int fd);

/* The descriptor behind any stream; -1 where there is none. */
int cli_stream_fd(FILE *stream);

/*
 * For a write to the stream that has failed: SNAP_E_STOPPED where the stream was given up, else what snap_fail_errno
 * makes of `what`, such as "the table cannot be written". Of a stream that was not opened here, errno says why.
 */
enum snap_status cli_stream_fail(const FILE *stream, const char *what, struct snap_error *err);

/* The errno of the first write to the stream that has failed; 0: none has, or it was not opened here. */
int cli_stream_failed(const FILE *stream);

/*
 * Flushes and closes the stream of standard output. Fails where that does, or where any write to it has failed before;
 * SNAP_E_STOPPED: it was given up.
 */
enum snap_status cli_stream_end(FILE *stream, struct snap_error *err);

#endif

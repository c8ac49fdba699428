/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Direct requests that are not aligned, by way of a buffer that is. For io_file. */
#ifndef DMSNAP_IO_BOUNCE_PRIVATE
#define DMSNAP_IO_BOUNCE_PRIVATE

#include "lib/io/open_private.h"

/*
 * One request, piece by piece, each widened to whole blocks: correct, not fast. A write has to be of whole blocks
 * already. *buffer is NULL at first, made here and freed by the caller with snap_buffer_free. 0 or an errno.
 */
int snap_bounce_run(const struct snap_opened *opened, char **buffer, const struct snap_io_request *request);

#endif

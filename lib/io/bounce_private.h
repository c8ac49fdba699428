/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out direct requests that are not aligned, through a buffer that is. */
#ifndef DMSNAP_IO_BOUNCE_PRIVATE
#define DMSNAP_IO_BOUNCE_PRIVATE

#include "lib/io/open_private.h"

/*
 * Carries out one request, piece by piece, and widens each piece to whole blocks. This is slow but correct. A write
 * must be of whole blocks already. *buffer is NULL at first; it is made here, and the caller frees it with
 * snap_buffer_free. Returns 0 or an errno.
 */
int snap_bounce_run(const struct snap_opened *opened, char **buffer, const struct snap_io_request *request);

#endif

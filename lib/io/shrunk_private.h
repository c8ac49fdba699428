/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether an open device or image is still there in its whole length: if not, no sector of it is bad. */
#ifndef DMSNAP_IO_SHRUNK_PRIVATE
#define DMSNAP_IO_SHRUNK_PRIVATE

#include "lib/io/open_private.h"

/*
 * SNAP_E_CHANGED where it is smaller than when it was opened, or does not tell its size any more. What was cut and has
 * grown again since then cannot be told from what was never cut. `name` is for the message.
 */
enum snap_status snap_shrunk_check(const struct snap_opened *opened, const char *name, struct snap_error *err);

/*
 * The same where requests have failed, or must not be tried. Each of them has the errno ESTALE then, which nobody takes
 * for a fault of the medium. A device that is gone is SNAP_E_CHANGED, too. SNAP_OK: they failed for another reason.
 */
enum snap_status snap_shrunk_explain(const struct snap_opened *opened, const char *name,
                                     struct snap_io_request *requests, size_t count, struct snap_error *err);

/* Before a write to an image that somebody has cut: behind its end it would grow again. The same, for all requests. */
enum snap_status snap_shrunk_refuse(const struct snap_opened *opened, const char *name,
                                    struct snap_io_request *requests, size_t count, struct snap_error *err);

#endif

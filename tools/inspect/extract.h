/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The view as a new sparse image, or as a stream on standard output. */
#ifndef DMSNAP_TOOLS_INSPECT_EXTRACT
#define DMSNAP_TOOLS_INSPECT_EXTRACT

#include "tools/inspect/session.h"

/* Writes the view to the file that --extract names, or for "-" to standard output. */
enum snap_status inspect_extract(struct inspect_session *session, struct snap_error *err);

#endif

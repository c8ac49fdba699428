/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapinspect --extract: the view as a new sparse image, on a device, or as a stream on standard output. */
#ifndef DMSNAP_TOOLS_INSPECT_EXTRACT
#define DMSNAP_TOOLS_INSPECT_EXTRACT

#include "tools/inspect/session.h"

/* All of the run but the closing of the devices; returns the exit status. */
int inspect_extract(struct inspect_session *session);

#endif

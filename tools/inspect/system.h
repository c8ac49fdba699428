/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapinspect --system: the snapshots of the running kernel and what is around them. */
#ifndef DMSNAP_TOOLS_INSPECT_SYSTEM
#define DMSNAP_TOOLS_INSPECT_SYSTEM

#include "tools/inspect/session.h"

/*
 * Prints trees as a table with advice below it, or one JSON document. What could not be read is said, a line for each.
 * Returns the exit status: 8 where something could not be read.
 */
int inspect_system(struct inspect_session *session);

#endif

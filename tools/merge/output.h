/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge --output: the snapshot goes to a third place, a new image or a device; origin and COW are only read. */
#ifndef DMSNAP_TOOLS_MERGE_OUTPUT
#define DMSNAP_TOOLS_MERGE_OUTPUT

#include "tools/merge/session.h"

/* All of the run but the closing; returns the exit status. */
int merge_output(struct merge_session *session);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge does once nothing refuses any more, and what it says at the end. All return the exit status. */
#ifndef DMSNAP_TOOLS_MERGE_RUN
#define DMSNAP_TOOLS_MERGE_RUN

#include "tools/merge/session.h"

/* --dry-run: shows the plan. */
int merge_run_dry(struct merge_session *session);

/* Merges the store into the origin. */
int merge_run(struct merge_session *session);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where the devices and files of a merge are at its end, if not where they were. */
#ifndef DMSNAP_TOOLS_MERGE_PLACES
#define DMSNAP_TOOLS_MERGE_PLACES

#include "tools/merge/session.h"

/*
 * Says of each device, and of each file that was written, where its name means something else by now (shared/moved.h).
 * All that is said later has the new names. Returns the worst of `exit_status` and that. What was said is not said
 * again.
 */
int merge_places_say(struct merge_session *session, int exit_status);

/* The name of a device that nobody knows where to find, of all that a line to go on with would name; NULL: none. */
const char *merge_places_missing(const struct merge_session *session);

void merge_places_free(struct merge_session *session);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens what snapmerge works on, and closes all of it at the end. */
#ifndef DMSNAP_TOOLS_MERGE_OPEN
#define DMSNAP_TOOLS_MERGE_OPEN

#include "tools/merge/session.h"

/* Origin and COW, found, told apart and open, and the header of the store. */
enum snap_status merge_open(struct merge_session *session, struct snap_error *err);

/* Closes everything that the session has opened and says what fails. The worst of `exit_status` and that. */
int merge_close(struct merge_session *session, int exit_status);

#endif

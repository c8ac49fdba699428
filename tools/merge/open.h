/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens what snapmerge works on, and closes all of it at the end. */
#ifndef DMSNAP_TOOLS_MERGE_OPEN
#define DMSNAP_TOOLS_MERGE_OPEN

#include "tools/merge/session.h"

/* What to do where a device can be read, but not written. */
#define MERGE_OPEN_HINT_ORIGIN "--output FILE writes the merged content elsewhere and changes neither device"
#define MERGE_OPEN_HINT_COW "--keep-cow merges and leaves the COW as it is"

/* Puts the hint behind the text of a failure that has the status `wanted`; returns `status` in every case. */
enum snap_status merge_open_hint(enum snap_status status, enum snap_status wanted, const char *hint,
                                 struct snap_error *err);

/* Origin and COW, found, told apart and open, and the header of the store. */
enum snap_status merge_open(struct merge_session *session, struct snap_error *err);

/* Closes everything that the session has opened and says what fails. The worst of `exit_status` and that. */
int merge_close(struct merge_session *session, int exit_status);

#endif

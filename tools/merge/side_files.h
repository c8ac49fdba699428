/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files beside a merge: each is a file of its own, and none of the devices. */
#ifndef DMSNAP_TOOLS_MERGE_SIDE_FILES
#define DMSNAP_TOOLS_MERGE_SIDE_FILES

#include "tools/merge/session.h"

/*
 * Before the first write, when all of them are known: checkpoint file, bad list and undo store are compared with each
 * other and with origin, COW and siblings, as files and not as text. SNAP_E_REFUSED: two are the same.
 */
enum snap_status merge_side_files_distinct(const struct merge_session *session, struct snap_error *err);

/* Whether one of them has been written, so that "Nothing was written." is not true any more. */
bool merge_side_files_written(const struct merge_session *session);

/* Says which of them were written. */
void merge_side_files_show(struct merge_session *session);

#endif

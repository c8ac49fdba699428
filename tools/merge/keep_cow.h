/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A merge that keeps its COW: its checkpoint file, and what to believe of one that is there. */
#ifndef DMSNAP_TOOLS_MERGE_KEEP_COW
#define DMSNAP_TOOLS_MERGE_KEEP_COW

#include "tools/merge/session.h"

/*
 * Sets the session's options for keeping the COW. Without a checkpoint file all chunks are compared.
 * A file that is foreign, stale or damaged is ignored, with the reason said; one that is a symbolic link, or in whose
 * place none can be written, refuses.
 */
enum snap_status merge_keep_cow_prepare(struct merge_session *session, struct snap_error *err);

/*
 * The last step before the merge writes: the file, with what it said before or nothing. One that cannot be written
 * must refuse, not end a merge half-way.
 */
enum snap_status merge_keep_cow_begin(struct merge_session *session, struct snap_error *err);

void merge_keep_cow_free(struct merge_session *session);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the user of snapmerge does next: lines that can be pasted as they are. */
#ifndef DMSNAP_TOOLS_MERGE_NEXT
#define DMSNAP_TOOLS_MERGE_NEXT

#include "tools/merge/session.h"

/* The command that goes on with a merge that is not complete. */
void merge_next_resume(struct merge_session *session);

/*
 * The command that takes the merge back; nothing where there is no undo store. CLI_EXIT_FAILED: there is no way back
 * under this name any more, which is said; else CLI_EXIT_OK.
 */
int merge_next_take_back(struct merge_session *session);

/* Whether the COW is a volume of LVM whose merge LVM is to complete. */
bool merge_next_lvm_pending(const struct merge_session *session);

/*
 * What is left of the snapshot, an empty store now, and who removes it: the next activation, or lvremove. False where
 * the COW is no snapshot of LVM.
 */
bool merge_next_lvm(struct merge_session *session);

#endif

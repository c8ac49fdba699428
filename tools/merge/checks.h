/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge asks of every store that it will write to, or whose view it keeps: before the first write. */
#ifndef DMSNAP_TOOLS_MERGE_CHECKS
#define DMSNAP_TOOLS_MERGE_CHECKS

#include "tools/merge/session.h"
#include "tools/shared/pair.h"

/* The session's origin with the COW or the store of a sibling, for the checks that all programs make (pair.h). */
struct pair merge_pair(const struct merge_session *session, const struct device *cow, const struct snap_store *store);

/* A block cannot be written in part: such a store can be read, not written (rule chunk-block). */
enum snap_status merge_check_blocks(const struct device *device, const struct snap_store *store,
                                    struct snap_error *err);

/*
 * The merge changes what the stores say about the origin: a file system or a partition table gets another UUID by it.
 * Then their records contradict an origin that has a part of it, or all.
 */
bool merge_changes_identity(const struct merge_session *session);

/*
 * SNAP_E_REFUSED where a write to `fd`, or a new file in that folder, would change the origin, the COW or a sibling
 * (devices_apart). `device` is what `fd` is, where it is a sibling itself; else NULL.
 */
enum snap_status merge_check_apart(const struct merge_session *session, const char *name, int fd,
                                   const struct device *device, struct snap_error *err);

/* SNAP_E_REFUSED where `device` shares bytes with the origin, the COW or a sibling (other than itself). */
enum snap_status merge_check_distinct(const struct merge_session *session, const struct device *device,
                                      struct snap_error *err);

#endif

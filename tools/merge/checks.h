/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge asks of every store that it will write to, or whose view it keeps: before the first write. */
#ifndef DMSNAP_TOOLS_MERGE_CHECKS
#define DMSNAP_TOOLS_MERGE_CHECKS

#include "tools/merge/session.h"

/*
 * The whole list against the rules, with the session's origin; what is found above a note has been said when this
 * returns. `repeated` (NULL: nobody wants to know) gets where repeated entries come first. SNAP_E_CORRUPT where the
 * store is damaged.
 */
enum snap_status merge_check_list(struct merge_session *session, const struct device *cow,
                                  const struct snap_store *store, struct snap_repeated *repeated,
                                  struct snap_check_result *check, struct snap_error *err);

/*
 * Evidence that the session's origin is another store's: SNAP_E_REFUSED unless --accept=identity. The lack of evidence
 * is only said.
 */
enum snap_status merge_check_identity(struct merge_session *session, const struct device *cow,
                                      const struct snap_store *store, struct snap_evidence *evidence,
                                      struct snap_error *err);

/*
 * Entries behind the end of the list: what an interrupted run left, or cut off by a fault? The data tell. The areas
 * behind the end, up to *leftover_areas_end, hold such leftovers. SNAP_E_REFUSED where it is neither known nor
 * accepted. A store that is `appended` to will lose such entries: there --accept=cut is needed, and it is not asked.
 */
enum snap_status merge_check_cut(struct merge_session *session, const struct device *cow,
                                 const struct snap_store *store, const struct snap_check_result *check, bool appended,
                                 uint64_t *leftover_areas_end, struct snap_error *err);

/* A block cannot be written in part: such a store can be read, not written (rule chunk-block). */
enum snap_status merge_check_blocks(const struct device *device, const struct snap_store *store,
                                    struct snap_error *err);

/*
 * The merge changes what the stores say about the origin: a file system or a partition table gets another UUID by it.
 * Then their records contradict an origin that has a part of it, or all.
 */
bool merge_changes_identity(const struct merge_session *session);

/* SNAP_E_REFUSED where `device` shares bytes with the origin, the COW or a sibling (other than itself). */
enum snap_status merge_check_distinct(const struct merge_session *session, const struct device *device,
                                      struct snap_error *err);

#endif

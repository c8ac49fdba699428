/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge --undo: the undo store is made or found again, and a merge does not go on without it unnoticed. */
#ifndef DMSNAP_TOOLS_MERGE_UNDO
#define DMSNAP_TOOLS_MERGE_UNDO

#include "tools/merge/session.h"
#include "tools/shared/report.h"

/*
 * Before the first write: what the record of the COW says of undo stores, against --undo and --preserve. SNAP_E_REFUSED
 * where a merge that was begun with an undo store would go on without it; where an undo store would be merged that
 * lacks a part, or without keeping the view of the snapshot that it belongs to; unless --accept names it.
 */
enum snap_status merge_undo_check(struct merge_session *session, struct snap_error *err);

/*
 * Before the first write: takes up the undo store of --undo if it is there, or finds out that and how it can be made.
 * SNAP_E_REFUSED: what is there is no undo store of this COW; it would lie on the origin's own file system.
 */
enum snap_status merge_undo_prepare(struct merge_session *session, struct snap_error *err);

/*
 * The first writes of a run: makes the store, with all its room reserved, and then marks the COW: from then on the
 * merge can be taken back from every point. After a failure neither the origin nor the list has changed.
 */
enum snap_status merge_undo_begin(struct merge_session *session, struct snap_error *err);

/*
 * Makes the undo store that merge_undo_prepare has planned, and takes it up; gives the COW a record if it has none. An
 * image comes first, with all its room, and gets its name when it is a whole store: where there is no room for it,
 * nothing else has been written. After a failure no entry of the COW has changed, and no file is left but a whole
 * store.
 */
enum snap_status merge_undo_make(struct merge_session *session, struct snap_error *err);

/* Gives the COW a record if it has none, can take one and may be written to; what it lacks then is said. */
enum snap_status merge_undo_give_record(struct merge_session *session, struct snap_error *err);

/* An open undo store in a file belongs to the caller, and nobody else has rights to it; else SNAP_E_REFUSED. */
enum snap_status merge_undo_check_owner(const struct device *undo, struct snap_error *err);

/*
 * Takes up what --undo names and what exists: the undo store of this merge, or a device or volume with nothing on it,
 * where one is planned. SNAP_E_REFUSED: anything else, and a volume that is a snapshot of LVM or has one.
 */
enum snap_status merge_undo_take(struct merge_session *session, struct merge_sibling *sibling, struct snap_error *err);

/* SNAP_E_REFUSED unless the records of this store, whose header was read, and of the COW let them go together. */
enum snap_status merge_undo_check_ours(const struct merge_session *session, const struct merge_sibling *sibling,
                                       struct snap_error *err);

/* The COW's record says that a merge of it was begun with an undo store, and is not complete. */
bool merge_undo_under_way(const struct merge_session *session);

/*
 * The first write where an empty undo store is taken up: the COW gets a record, so that later runs can match the two.
 */
enum snap_status merge_undo_make_known(struct merge_session *session, struct snap_error *err);

/* After a complete merge: the mark that it is under way goes away. */
enum snap_status merge_undo_end(struct merge_session *session, struct snap_error *err);

/*
 * An undo store may bring back what this merge takes off the list: one is made or taken up, or one that was whole at
 * the end of an earlier merge of this store is not spoilt now.
 */
bool merge_undo_may_bring_back(const struct merge_session *session);

/* For the plan on standard output: what would be made. */
void merge_undo_print(struct merge_session *session);

/* Before the merge of an undo store, in a plan or a question, and after it: what is taken back. */
void merge_undo_show_before(struct merge_session *session, enum report_to to);
void merge_undo_show_taken_back(struct merge_session *session);

/* With --keep-cow: the undo store has all that it needs, so that the merge goes on without naming it, and only so. */
bool merge_undo_kept_whole(const struct merge_session *session);

/* The store of the snapshot whose merge is taken back was given up for it (--overflow=invalidate). */
bool merge_undo_lost_parent(const struct merge_session *session);

#endif

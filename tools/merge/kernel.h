/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge --kernel: the kernel merges, while the origin can be used; everything that can refuse comes first. */
#ifndef DMSNAP_TOOLS_MERGE_KERNEL
#define DMSNAP_TOOLS_MERGE_KERNEL

#include "tools/cli/progress.h"
#include "tools/merge/session.h"

/*
 * What is active over the origin. --origin may name that device, or what it stands on; session->origin and session->cow
 * are open for reading afterwards. SNAP_E_REFUSED where it is not the kernel's turn: nothing is active, LVM's volumes,
 * another merge, devices that are open.
 */
enum snap_status merge_kernel_find(struct merge_session *session, struct snap_error *err);

/*
 * Whether all that was found is as it was, and the base and the snapshot are not open. `suspended`: the base is, by
 * this run. SNAP_E_REFUSED, SNAP_E_BUSY.
 */
enum snap_status merge_kernel_same(struct merge_session *session, bool suspended, struct snap_error *err);

/*
 * Nobody has the snapshot open, nor the base; or that is open, and not mounted, and --accept=in-use was given: then
 * that is noted. SNAP_E_BUSY.
 */
enum snap_status merge_kernel_check_open(struct merge_session *session, struct snap_error *err);

/*
 * Where the origin is mapped by hand out of a physical volume of LVM, by whatever is in between: SNAP_E_REFUSED for a
 * snapshot of that volume that is not active, unless --accept=siblings.
 */
enum snap_status merge_kernel_check_lvm(struct merge_session *session, struct snap_error *err);

/*
 * Where the base is in use: what its users have written is written back, and what they have read is forgotten, through
 * all that stands on it. A failure is a warning. While it is merging already, this is done where it is not mounted: the
 * run before may have been killed in front of it.
 */
void merge_kernel_drop_caches(const struct merge_session *session, bool top_first);

/* How many other snapshots the origin has now. */
enum snap_status merge_kernel_siblings(const struct merge_kernel *kernel, unsigned *siblings, struct snap_error *err);

/*
 * Exchanges snapshot-origin for snapshot-merge, if nothing has changed since merge_kernel_find; what cannot be
 * exchanged is as it was. *touched: something was written, or a table was exchanged, before a failure.
 */
enum snap_status merge_kernel_load(struct merge_session *session, bool *touched, struct snap_error *err);

/*
 * A merge has taken over the entries of the snapshot, which shows nothing any more: removes it, or says how that is
 * done.
 */
void merge_kernel_remove_snapshot(struct merge_session *session);

/*
 * Until the merge is complete, fails, or a stop is wanted, which the kernel does not mind; fills the session's result.
 * SNAP_E_CHANGED: somebody has exchanged the table. SNAP_E_INVALID, SNAP_E_IO: the kernel merges no further.
 */
enum snap_status merge_kernel_wait(struct merge_session *session, struct cli_progress *progress,
                                   struct snap_error *err);

/*
 * Exchanges a snapshot-merge that is complete for a linear table; where there are other snapshots by now, for
 * snapshot-origin. Counts them.
 */
enum snap_status merge_kernel_finish(struct merge_session *session, struct snap_error *err);

/* The whole run. Returns the exit status. */
int merge_kernel(struct merge_session *session);

#endif

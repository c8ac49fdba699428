/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Last looks before snapmerge writes: other snapshots that the system knows, and sizes that changed meanwhile. */
#ifndef DMSNAP_TOOLS_MERGE_GUARD
#define DMSNAP_TOOLS_MERGE_GUARD

#include "tools/merge/session.h"

/*
 * The origin is in use: where snapshots of it are active on this system, adds to the failure which they are, and how to
 * keep their views. Returns the failure's status.
 */
enum snap_status merge_guard_snapshots(const struct merge_session *session, enum snap_status failed,
                                       struct snap_error *err);

/* Every device still has the size that was checked; SNAP_E_BUSY where one has not: another program is changing it. */
enum snap_status merge_guard_sizes(const struct merge_session *session, struct snap_error *err);

#endif

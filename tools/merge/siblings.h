/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The other snapshots of an origin that LVM's metadata know: their views are kept without being asked for. */
#ifndef DMSNAP_TOOLS_MERGE_SIBLINGS
#define DMSNAP_TOOLS_MERGE_SIBLINGS

#include "tools/merge/session.h"

/* How many of them were not named with --preserve; 0 where the origin is no volume of LVM. */
unsigned merge_siblings_count(const struct merge_session *session);

/*
 * Adds them to those of --preserve, unless --accept=siblings. SNAP_E_REFUSED where the view of one cannot be kept, or
 * where LVM is about to merge another one.
 */
enum snap_status merge_siblings_prepare(struct merge_session *session, struct snap_error *err);

#endif

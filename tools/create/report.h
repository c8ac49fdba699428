/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcreate shows: how much room there is, tables for dmsetup, and the result as JSON. */
#ifndef DMSNAP_TOOLS_CREATE_REPORT
#define DMSNAP_TOOLS_CREATE_REPORT

#include "tools/create/session.h"

/* Says whether the store can overflow, when, and how to avoid it. */
void create_report_room(struct create_session *session);

/*
 * The dmsetup tables for snapshot, snapshot-origin and snapshot-merge; SNAP_E_USAGE where a path cannot stand in one.
 */
enum snap_status create_report_make_tables(struct create_session *session, struct snap_error *err);

/* The same once more where a name means something else by now; no tables where nobody knows the name. */
void create_report_renew_tables(struct create_session *session);

/* The end of a run without a failure, as text or as JSON. */
void create_report_end(struct create_session *session);

#endif

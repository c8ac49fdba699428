/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the chunk size of a store whose header is gone, damaged, or not that of its record, and plans the header. */
#ifndef DMSNAP_TOOLS_CHECK_REPAIR_HEADER
#define DMSNAP_TOOLS_CHECK_REPAIR_HEADER

#include "tools/check/session.h"

/*
 * Plans the header in session->repair. Where header and record disagree, the list decides, and what speaks for each is
 * said. SNAP_E_REFUSED: two chunk sizes make sense, or the one that was asked for does not; SNAP_E_CORRUPT: there is no
 * list.
 */
enum snap_status check_repair_header_plan(struct check_session *session, struct snap_error *err);

/* The same for a repair in place: says what is done, or without its word what to type. */
enum snap_status check_repair_header(struct check_session *session, struct snap_error *err);

#endif

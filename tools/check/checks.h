/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcheck checks, in its order. */
#ifndef DMSNAP_TOOLS_CHECK_CHECKS
#define DMSNAP_TOOLS_CHECK_CHECKS

#include "tools/check/session.h"

/*
 * Who uses the devices; header and list; whether the origin fits; with --data, all data. A sound and complete list is
 * needed for the last two. Findings go to session->findings; a failure is what kept it from finding out.
 */
enum snap_status check_run(struct check_session *session, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How snapcheck shows what it found: findings and a summary, as text or as JSON. */
#ifndef DMSNAP_TOOLS_CHECK_REPORT
#define DMSNAP_TOOLS_CHECK_REPORT

#include "tools/check/session.h"

/*
 * Where the library's findings go (`context`: the session): printed, or kept for the JSON document. With --all each at
 * once, else neighbours together.
 */
enum snap_status check_report_finding(void *context, const struct snap_finding *finding, struct snap_error *err);

/*
 * After the last one, also where the check has failed: what is still kept is shown, and what is left out is counted.
 * Failures are those of printing, and SNAP_E_STOPPED.
 */
enum snap_status check_report_findings_end(struct check_session *session, struct snap_error *err);

/* What stands below the findings. Returns the worst of `exit_status` and what they say. */
int check_report_end(struct check_session *session, int exit_status);

#endif

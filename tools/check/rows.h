/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings that stand together are shown as one line, in the order in which the first of each appeared. */
#ifndef DMSNAP_TOOLS_CHECK_ROWS
#define DMSNAP_TOOLS_CHECK_ROWS

#include "tools/check/session.h"

/* A finding becomes a part of the row of its rule, or begins a new one. Failures are those of check_lines_add. */
enum snap_status check_rows_take(struct check_session *session, const struct snap_finding *finding,
                                 struct snap_error *err);

/* After the last one, also where the check has failed: all rows are shown. */
enum snap_status check_rows_end(struct check_session *session, struct snap_error *err);

#endif

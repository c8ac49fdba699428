/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge shows: the two devices and the plan before, the result and the next step after. */
#ifndef DMSNAP_TOOLS_MERGE_REPORT
#define DMSNAP_TOOLS_MERGE_REPORT

#include "tools/merge/session.h"

/* Both devices, what is on them, what will be written: on standard error, for the person who is asked. */
void merge_report_devices(struct merge_session *session);

/* The same as lines that start with the names of the fields, on standard output: --dry-run. */
void merge_report_plan(struct merge_session *session, const struct snap_merge_result *plan);

/* The end of a run that merged everything: what was done, what to do next. */
void merge_report_done(struct merge_session *session);

/* The end of one that did not: what is durable, the command that goes on, the warning not to mount the origin. */
void merge_report_interrupted(struct merge_session *session);

/* One document for all ends; `plan` is not NULL for a dry run. `outcome`: "done", "incomplete", "planned",
 * "stopped", "failed". */
void merge_report_json(struct merge_session *session, const struct snap_merge_result *plan, const char *outcome);

#endif

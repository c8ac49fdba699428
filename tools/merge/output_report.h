/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapmerge --output shows: the place before, the result and the next step after. */
#ifndef DMSNAP_TOOLS_MERGE_OUTPUT_REPORT
#define DMSNAP_TOOLS_MERGE_OUTPUT_REPORT

#include "tools/cli/json.h"
#include "tools/merge/session.h"

/* The lines about the output, for the person who is asked. */
void merge_output_report_place(struct merge_session *session);

/* The same on standard output, for --dry-run. */
void merge_output_report_plan(struct merge_session *session);

/* The end of a run that wrote all of it; the end of one that did not. */
void merge_output_report_done(struct merge_session *session);
void merge_output_report_interrupted(struct merge_session *session);

/* The object "output" of the result; nothing where no output is wanted. */
void merge_output_report_json(struct cli_json *result, const struct merge_session *session);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is shown of a snapshot that is written somewhere else: the place before, the result and the next step after. */
#ifndef DMSNAP_TOOLS_OUTPUT_REPORT
#define DMSNAP_TOOLS_OUTPUT_REPORT

#include "tools/cli/json.h"
#include "tools/output/session.h"
#include "tools/shared/report.h"

/* Of a store that is marked invalid: what is certain of it. Nothing of any other. */
void output_report_invalid(const struct output_session *output);

/* The lines about the place, for the person who is asked. */
void output_report_place(struct output_session *output);

/* The same on `out`, for --dry-run. */
void output_report_plan(const struct output_session *output, enum report_to to);

/* The end of a run that wrote all of it; the end of one that did not, with what it failed with. */
void output_report_done(struct output_session *output);
void output_report_interrupted(struct output_session *output, enum snap_status status);

/* The object "output" of the result. */
void output_report_json(struct cli_json *result, const struct output_session *output);

#endif

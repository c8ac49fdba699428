/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What happens once nothing refuses any more: the plan is shown, or the snapshot is written. */
#ifndef DMSNAP_TOOLS_OUTPUT_RUN
#define DMSNAP_TOOLS_OUTPUT_RUN

#include "tools/output/session.h"

/*
 * After output_prepare. Says all that is to be said on standard error, and without --json the plan of a dry run on
 * standard output. *outcome is a word for JSON: "planned", "done", "stopped" or "failed"; NULL where nothing was
 * written, because the run was refused. Returns the exit status.
 */
int output_run(struct output_session *output, const char **outcome);

#endif

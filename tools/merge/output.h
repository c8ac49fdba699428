/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge --output: the snapshot goes to a third place, a new image or a device; origin and COW are only read. */
#ifndef DMSNAP_TOOLS_MERGE_OUTPUT
#define DMSNAP_TOOLS_MERGE_OUTPUT

#include "tools/cli/json.h"
#include "tools/merge/session.h"

/*
 * Everything about the output that can refuse, after all checks of a merge; no write happens in here. What is worth a
 * warning or a note is said.
 */
enum snap_status merge_output_prepare(struct merge_session *session, const char *argument, struct snap_error *err);

/* The lines about the output, for the person who is asked, and for --dry-run. */
void merge_output_show(struct merge_session *session);
int merge_output_dry_run(struct merge_session *session);

/* Writes, verifies, names; says how it went. The exit status. */
int merge_output(struct merge_session *session);

/* The end of a run that wrote all of it; the end of one that did not. */
void merge_output_show_done(struct merge_session *session);
void merge_output_show_interrupted(struct merge_session *session);

/* The object "output" of the result; nothing where no output is wanted. */
void merge_output_set_json(struct cli_json *result, const struct merge_session *session);

/* SNAP_E_IO; fine where there is no output. */
enum snap_status merge_output_close(struct merge_output *output, struct snap_error *err);

#endif

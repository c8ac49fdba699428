/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapmerge --output: the snapshot goes to a third place, a new image or a device; origin and COW are only read. */
#ifndef DMSNAP_TOOLS_MERGE_OUTPUT
#define DMSNAP_TOOLS_MERGE_OUTPUT

#include "tools/cli/progress.h"
#include "tools/merge/session.h"

/* The end of the name of a new image until it is complete. */
#define MERGE_OUTPUT_PARTIAL ".partial"

/*
 * Everything about the output that can refuse, after all checks of a merge; no write happens in here. What is worth a
 * warning or a note is said.
 */
enum snap_status merge_output_prepare(struct merge_session *session, struct snap_error *err);

/* Makes the new image, if it is one. After a failure there is no file, or it is said that there is one. */
enum snap_status merge_output_make(struct merge_session *session, struct snap_error *err);

/* Writes all of it, makes it durable, verifies it where that was asked for, closes it, and gives it its name. */
enum snap_status merge_output_write(struct merge_session *session, struct cli_progress *progress,
                                    struct snap_error *err);

/* SNAP_E_IO; fine where there is no output. */
enum snap_status merge_output_close(struct merge_output *output, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the snapshot to its place. */
#ifndef DMSNAP_TOOLS_OUTPUT_WRITE
#define DMSNAP_TOOLS_OUTPUT_WRITE

#include "tools/cli/progress.h"
#include "tools/output/session.h"

/* Makes the new image, if it is one. After a failure there is no file, or it is said that there is one. */
enum snap_status output_write_begin(struct output_session *output, struct snap_error *err);

/* Writes all of it, makes it durable, verifies it where that was asked for, closes it, and gives it its name. */
enum snap_status output_write(struct output_session *output, struct cli_progress *progress, struct snap_error *err);

#endif

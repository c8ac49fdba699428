/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where a snapshot is written to: a new image, a block device, or standard output. */
#ifndef DMSNAP_TOOLS_OUTPUT_PLACE
#define DMSNAP_TOOLS_OUTPUT_PLACE

#include "tools/output/session.h"

/*
 * Finds out what the place is, and everything about it that can refuse; no write happens in here. Origin and COW are
 * open, and the list is checked. What is worth a warning or a note is said.
 */
enum snap_status output_place_prepare(struct output_session *output, struct snap_error *err);

/* SNAP_E_IO; fine where nothing was prepared. */
enum snap_status output_place_close(struct output_session *output, struct snap_error *err);

#endif

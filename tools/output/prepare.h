/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that can refuse before a snapshot is written somewhere else; no write happens in here. */
#ifndef DMSNAP_TOOLS_OUTPUT_PREPARE
#define DMSNAP_TOOLS_OUTPUT_PREPARE

#include "tools/output/session.h"
#include "tools/shared/pair.h"

/*
 * Opens origin and COW for reading, holds the two against each other as before a merge, looks at the place, and asks
 * where somebody can answer. The session has its `cli`, its arguments, and where the devices and the store are.
 */
enum snap_status output_prepare(struct output_session *output, struct snap_error *err);

/* Origin and COW as the checks and reports of all programs take them. */
struct pair output_prepare_pair(const struct output_session *output);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM volumes among the devices of a merge: held for the whole run. */
#ifndef DMSNAP_TOOLS_MERGE_HOLD
#define DMSNAP_TOOLS_MERGE_HOLD

#include "tools/merge/session.h"

/* Before the sandbox: finds and locks the groups of all LVM volumes that were named. */
enum snap_status merge_hold_start(struct merge_session *session, struct snap_error *err);

/* devices_find; a volume of LVM is open after it, with the options. */
enum snap_status merge_hold_find(struct merge_session *session, struct device *device, const char *argument,
                                 const struct snap_file_options *options, struct snap_error *err);

#endif

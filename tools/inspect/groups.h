/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapinspect --lvm: groups with their origins and snapshots as a tree, without activating them. */
#ifndef DMSNAP_TOOLS_INSPECT_GROUPS
#define DMSNAP_TOOLS_INSPECT_GROUPS

#include "tools/inspect/session.h"

/*
 * Prints all groups on the devices, or the one that the operand names: a table, or one JSON document. A store that
 * cannot be read is said, and shown as such. SNAP_E_NOENT: there is no such group.
 */
enum snap_status inspect_groups(struct inspect_session *session, struct snap_error *err);

#endif

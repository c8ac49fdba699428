/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the trees of snapshots as a table, and advice below it. */
#ifndef DMSNAP_TOOLS_INSPECT_SYSTEM_TABLE
#define DMSNAP_TOOLS_INSPECT_SYSTEM_TABLE

#include "tools/inspect/session.h"
#include "tools/inspect/tree.h"

/* SNAP_E_NOMEM, SNAP_E_IO. */
enum snap_status inspect_system_table(struct inspect_session *session, const struct inspect_running *running,
                                      const struct inspect_tree *tree, struct snap_error *err);

#endif

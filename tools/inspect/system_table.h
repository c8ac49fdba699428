/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints the trees of snapshots as a table, and advice below it. */
#ifndef DMSNAP_TOOLS_INSPECT_SYSTEM_TABLE
#define DMSNAP_TOOLS_INSPECT_SYSTEM_TABLE

#include "tools/cli/table.h"
#include "tools/inspect/session.h"
#include "tools/inspect/tree.h"

#define INSPECT_SYSTEM_COLUMNS 17u
extern const struct cli_column inspect_system_columns[INSPECT_SYSTEM_COLUMNS];

/* Opens the table that the command line asks for. SNAP_E_USAGE as cli_table_open; SNAP_E_NOMEM. */
enum snap_status inspect_system_table_open(struct inspect_session *session, struct cli_table **table,
                                           struct snap_error *err);

/* Prints and closes it, in every case. SNAP_E_NOMEM, SNAP_E_IO. */
enum snap_status inspect_system_table_print(struct inspect_session *session, struct cli_table *table,
                                            const struct inspect_running *running, const struct inspect_tree *tree,
                                            struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The list of ranges that a store holds. */
#ifndef DMSNAP_TOOLS_INSPECT_LIST
#define DMSNAP_TOOLS_INSPECT_LIST

#include "tools/cli/table.h"
#include "tools/inspect/session.h"

#define INSPECT_COLUMNS 6
extern const struct cli_column inspect_columns[INSPECT_COLUMNS];

/* Entries that follow one another on both devices as one row: a table, or one JSON object per line. */
enum snap_status inspect_list(struct inspect_session *session, struct snap_error *err);

#endif

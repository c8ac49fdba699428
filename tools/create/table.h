/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --print-table: which tables there are, for a store that is made or one that is there, and the lines for dmsetup. */
#ifndef DMSNAP_TOOLS_CREATE_TABLE
#define DMSNAP_TOOLS_CREATE_TABLE

#include "tools/create/session.h"

struct cli_json;

/*
 * Before anything else: sets session->tables_only where tables, or an active snapshot, are asked for and no store is to
 * be made, because the COW holds one and nothing says that it shall be made anew, or because the table needs none (N).
 * Then both devices are open for reading, the list is checked and the pair judged as before a merge.
 */
enum snap_status create_table_plan(struct create_session *session, struct snap_error *err);

/* P, PO or N, as it was asked for. */
enum snap_table_mode create_table_mode(const struct create_session *session);

/* Fills session->tables; SNAP_E_USAGE where a path cannot stand in a table. */
enum snap_status create_table_make(struct create_session *session, struct snap_error *err);

/* The same once more where a name means something else by now; no tables where nobody knows the name. */
void create_table_renew(struct create_session *session);

/* On standard output; as members of the result. */
void create_table_print(const struct create_session *session);
void create_table_set_json(const struct create_session *session, struct cli_json *result);

#endif

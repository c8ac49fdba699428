/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --repair-to copies: the store as a repair in place would leave it, which is only read. */
#ifndef DMSNAP_TOOLS_CHECK_REPAIR_SOURCE
#define DMSNAP_TOOLS_CHECK_REPAIR_SOURCE

#include "tools/check/session.h"

/* Whether --accept has the word. */
bool check_repair_source_accepts(const struct check_session *session, enum check_accept word);

/*
 * Plans the repair and lays it over the store, in memory; what that brings back, drops and ends is said. Sets
 * repair_to.source, .result and .rewrite's shared chunks. Refuses a list that stays damaged as a whole, what would
 * change the view without --accept=view-change, an invalid store without --accept=revalidate, and a contradicted pair.
 */
enum snap_status check_repair_source(struct check_session *session, struct snap_error *err);

enum snap_status check_repair_source_close(struct check_session *session, struct snap_error *err);

#endif

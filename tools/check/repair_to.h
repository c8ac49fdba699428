/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcheck --repair-to: a clean, compact store elsewhere; the one that was checked is only read. */
#ifndef DMSNAP_TOOLS_CHECK_REPAIR_TO
#define DMSNAP_TOOLS_CHECK_REPAIR_TO

#include "tools/check/session.h"

/*
 * After check_run. Refuses what is damaged as a whole, damaged chunks without --accept=view-change, an invalid store
 * without --accept=revalidate, a contradicted pair, and a target that holds something. The new image has its name only
 * when it is whole.
 */
enum snap_status check_repair_to(struct check_session *session, struct snap_error *err);

/* What is said after a failure behind the first write. */
void check_repair_to_failed(struct check_session *session);

/* The member `repair_to` of the result. */
struct cli_json *check_repair_to_json(const struct check_session *session);

enum snap_status check_repair_to_close(struct check_session *session, struct snap_error *err);

#endif

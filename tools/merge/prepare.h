/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that can refuse a merge, in its order; no write happens in here. */
#ifndef DMSNAP_TOOLS_MERGE_PREPARE
#define DMSNAP_TOOLS_MERGE_PREPARE

#include "tools/merge/session.h"

/* Opens, checks, plans, and asks. After a failure nothing was written. */
enum snap_status merge_prepare(struct merge_session *session, struct snap_error *err);

#endif

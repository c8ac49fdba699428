/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcreate decides before it writes: chunk size, room, whether the place may be overwritten. */
#ifndef DMSNAP_TOOLS_CREATE_PLAN
#define DMSNAP_TOOLS_CREATE_PLAN

#include "tools/create/session.h"

/* Opens everything and checks everything that can refuse. After a failure nothing was written. */
enum snap_status create_plan(struct create_session *session, struct snap_error *err);

#endif

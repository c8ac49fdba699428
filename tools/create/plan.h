/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcreate decides before it writes: chunk size, room, whether the place may be overwritten. */
#ifndef DMSNAP_TOOLS_CREATE_PLAN
#define DMSNAP_TOOLS_CREATE_PLAN

#include "tools/create/session.h"

/* Opens everything and checks everything that can refuse. After a failure nothing was written. */
enum snap_status create_plan(struct create_session *session, struct snap_error *err);

/* The chunk size is one that the kernel takes over the origin, which is open (dmsnap-store(5), HEADER). */
enum snap_status create_plan_check_chunk(struct create_session *session, struct snap_error *err);

/* Where session->content would be overwritten: on a terminal it is shown and asked for. */
enum snap_status create_plan_ask(struct create_session *session, struct snap_error *err);

#endif

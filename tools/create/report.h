/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcreate shows: how much room there is, and the result as text or JSON. */
#ifndef DMSNAP_TOOLS_CREATE_REPORT
#define DMSNAP_TOOLS_CREATE_REPORT

#include "tools/create/session.h"

/* Says whether the store can overflow, when, and how to avoid it. */
void create_report_room(struct create_session *session);

/* The end of a run without a failure, as text or as JSON. */
void create_report_end(struct create_session *session);

#endif

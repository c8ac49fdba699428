/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Says what may be damage or not where nothing in the store tells which. */
#ifndef DMSNAP_TOOLS_CHECK_DOUBTS
#define DMSNAP_TOOLS_CHECK_DOUBTS

#include "tools/check/session.h"

/* Behind the summary: both readings, and what to type for each. */
void check_doubts_say(const struct check_session *session);

#endif

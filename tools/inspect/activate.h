/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapinspect --activate: a view of the store that the kernel shows, for reading only. */
#ifndef DMSNAP_TOOLS_INSPECT_ACTIVATE
#define DMSNAP_TOOLS_INSPECT_ACTIVATE

#include "tools/inspect/session.h"

/* Checks what is checked before a merge, and makes the device. Returns the exit status. */
int inspect_activate(struct inspect_session *session);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcreate --activate: what has to be right before anything is written, and the tables at the end. */
#ifndef DMSNAP_TOOLS_CREATE_ACTIVATE
#define DMSNAP_TOOLS_CREATE_ACTIVATE

#include "tools/create/session.h"

/* First of all: there is a device-mapper. Does nothing without --activate, as the others here. */
enum snap_status create_activate_possible(const struct create_session *session, struct snap_error *err);

/* Once both devices are open: the kernel will take them, and the names are free. */
enum snap_status create_activate_plan(struct create_session *session, struct snap_error *err);

/* Last of all: both devices are closed, and the kernel gets them. Returns the exit status. */
int create_activate_load(struct create_session *session, int exit_status);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What snapcheck opens: for reading, or, where it mends something, for writing, with LVM volumes held. */
#ifndef DMSNAP_TOOLS_CHECK_OPEN
#define DMSNAP_TOOLS_CHECK_OPEN

#include "tools/check/session.h"

/* Before the sandbox: finds and locks the groups of LVM volumes of a run that writes. check_open_end in any case. */
enum snap_status check_open_start(struct check_session *session, struct snap_error *err);

/* Opens the devices, for writing where something may be mended or put back, and reads the header. */
enum snap_status check_open(struct check_session *session, struct snap_error *err);

/* devices_find; a volume of LVM is open after it, with the options. */
enum snap_status check_open_find(struct check_session *session, struct device *device, const char *argument,
                                 const struct snap_file_options *options, struct snap_error *err);

/* Gives all of it back, once the devices are closed. */
void check_open_end(struct check_session *session);

#endif

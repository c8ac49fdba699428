/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LVM volumes among the devices of snapcreate: held for the whole run, and asked what they are. */
#ifndef DMSNAP_TOOLS_CREATE_HOLD
#define DMSNAP_TOOLS_CREATE_HOLD

#include "tools/create/session.h"

/* Before the sandbox: finds and locks the groups of all LVM volumes that were named. */
enum snap_status create_hold_start(struct create_session *session, struct snap_error *err);

/*
 * Reads the metadata, if a volume was named. The origin of a snapshot follows from them, and so does its chunk size,
 * unless a store is only looked at. SNAP_E_REFUSED: they say something else than the command line, or the volume is a
 * snapshot and there is no -f.
 */
enum snap_status create_hold_ask(struct create_session *session, struct snap_error *err);

/* devices_find; a volume of LVM is open after it, with the options. */
enum snap_status create_hold_find(struct create_session *session, struct device *device, const char *argument,
                                  const struct snap_file_options *options, struct snap_error *err);

/* Where LVM has a merge of the snapshot pending whose store was made anew: what comes of that. */
void create_hold_say_end(const struct create_session *session);

/* Gives all of it back, once the devices are closed. */
void create_hold_end(struct create_session *session);

#endif

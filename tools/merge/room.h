/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the file systems below the images have room for what a merge writes to them. */
#ifndef DMSNAP_TOOLS_MERGE_ROOM
#define DMSNAP_TOOLS_MERGE_ROOM

#include "tools/merge/session.h"

/*
 * Adds up, for each file system, the holes of the origin that the list fills, what is copied to other stores, and a new
 * undo store. SNAP_E_NOSPC where that is more than is free: a merge that runs out of room leaves an origin that is
 * neither old nor new until there is room.
 */
enum snap_status merge_room_check(struct merge_session *session, struct snap_error *err);

#endif

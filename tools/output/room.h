/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much room a new image takes, and how much there is. */
#ifndef DMSNAP_TOOLS_OUTPUT_ROOM
#define DMSNAP_TOOLS_OUTPUT_ROOM

#include "tools/output/session.h"

/*
 * Works out output->most_bytes for an image on the file system of `fd`, and compares it with what is free there.
 * SNAP_E_IO, SNAP_E_STOPPED.
 */
enum snap_status output_room_check(struct output_session *output, int fd, struct snap_error *err);

#endif

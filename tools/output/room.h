/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much room a new image takes, and how much there is. */
#ifndef DMSNAP_TOOLS_OUTPUT_ROOM
#define DMSNAP_TOOLS_OUTPUT_ROOM

#include "tools/output/session.h"

/*
 * Works out output->most_bytes for a new image: all that may be data, on the origin or in the store. SNAP_E_IO,
 * SNAP_E_NOMEM, SNAP_E_STOPPED.
 */
enum snap_status output_room_count(struct output_session *output, struct snap_error *err);

/*
 * Finds out output->free_bytes of the file system of `fd`. SNAP_E_NOSPC where output->most_bytes are more, unless
 * --accept=space: then it is said. A file system that does not tell has room.
 */
enum snap_status output_room_check(struct output_session *output, int fd, struct snap_error *err);

#endif

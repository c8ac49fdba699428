/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the new store, and the file system below it, have room for what is to be in them. */
#ifndef DMSNAP_TOOLS_CREATE_ROOM
#define DMSNAP_TOOLS_CREATE_ROOM

#include "tools/create/session.h"

/* Chunks of the origin; a partial last one counts. */
uint64_t create_room_origin_chunks(const struct create_session *session);

/*
 * Once the COW and its size are known: SNAP_E_NOSPC where not one entry fits, or not all of --from-diff. What differs
 * is only counted where it may not fit, since that reads all of both devices. Sets missing_bytes and free_bytes.
 */
enum snap_status create_room_check(struct create_session *session, struct snap_error *err);

/* Whether the file system has less room than the image may take. */
bool create_room_short(const struct create_session *session);

#endif

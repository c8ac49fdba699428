/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a store remembers of its origin: the identity record and the fingerprint. */
#ifndef DMSNAP_TOOLS_CREATE_REMEMBER
#define DMSNAP_TOOLS_CREATE_REMEMBER

#include "tools/create/session.h"

/*
 * Opens the origin for reading, and holds it if nobody else uses it. One that is in use may change before its snapshot
 * begins: that is noted, so that no fingerprint is taken of it.
 */
enum snap_status create_remember_open_origin(struct create_session *session, struct snap_error *err);

/*
 * Fills session->identity, and session->fingerprint where chunks have room for one and the origin is not in use.
 * `listed` is the store, if it has a list already: what that touches says nothing. Reads a few blocks of the origin.
 */
enum snap_status create_remember_fill(struct create_session *session, const struct snap_store *listed,
                                      struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcreate --identify: a store that exists gets what it lacks of record and fingerprint. */
#ifndef DMSNAP_TOOLS_CREATE_IDENTIFY
#define DMSNAP_TOOLS_CREATE_IDENTIFY

#include "tools/create/session.h"

/*
 * Opens both, checks the store and whether the two belong together, asks on a terminal, and writes (not in a dry run).
 * session->touched says whether the COW was written to, or it was tried. SNAP_E_REFUSED: the store has both already and
 * --force was not given, it has no place for them, the pair is contradicted, the answer was no; SNAP_E_BUSY.
 */
enum snap_status create_identify(struct create_session *session, struct snap_error *err);

/* The end of a run without a failure, as text or as JSON. Returns the exit status. */
int create_identify_end(struct create_session *session);

/* After a failure: says what the COW holds now. Returns the exit status. */
int create_identify_failed(struct create_session *session, const struct snap_error *err);

#endif

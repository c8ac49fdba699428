/* SPDX-License-Identifier: GPL-2.0-or-later */
/* snapcreate writes: the image, the store, and what is said where that fails half-way. */
#ifndef DMSNAP_TOOLS_CREATE_WRITE
#define DMSNAP_TOOLS_CREATE_WRITE

#include "tools/create/session.h"

/* Makes the planned image, writes the store, gives the image its name. */
enum snap_status create_write(struct create_session *session, struct snap_error *err);

/* After a failure: says what the COW holds now. Returns the exit status. */
int create_write_failed(struct create_session *session, const struct snap_error *err);

/* Closes the planned image and its folder; fine where there are none. SNAP_E_IO. */
enum snap_status create_write_close(struct create_session *session, struct snap_error *err);

#endif

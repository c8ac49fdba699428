/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shows a device as it would be with the edits of a repair, while it is only read. */
#ifndef DMSNAP_REPAIR_EDITED
#define DMSNAP_REPAIR_EDITED

#include "lib/repair/edits.h"

/*
 * An io over the device of `edits`, for reading only, in which each edited unit has the bytes that the last edit of it
 * would write. The edits and their device are borrowed until it is closed; those that are added behind a barrier
 * do not show. SNAP_E_NOMEM.
 */
enum snap_status snap_edited_open(struct snap_io **io, const struct snap_edits *edits, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes entries off a list, wherever they stand: the last ones move to their slots, then the list is cut. */
#ifndef DMSNAP_REPAIR_DROP_PRIVATE
#define DMSNAP_REPAIR_DROP_PRIVATE

#include "lib/repair/edits.h"
#include "lib/store/header.h"

/*
 * Adds the edits that take `count` entries off a list of `length` entries. `dropped` are their indexes, ascending, each
 * once. Areas that the shorter list does not reach are zeroed at the end: what is left in them could look like a list
 * that a fault has cut. Other edits of entries come before. SNAP_E_REFUSED, SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_drop_plan(struct snap_edits *edits, const struct snap_store *store, uint64_t length,
                                const uint64_t *dropped, size_t count, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compares COW data with the origin, to tell whether entries are merged already. */
#ifndef DMSNAP_MERGE_COMPARE
#define DMSNAP_MERGE_COMPARE

#include "lib/store/header.h"

/*
 * Compares the COW data of the entries [first_index, first_index + count), which were checked before, with what the
 * origin holds in their place. It ends at the first difference; *equal is false then. The entries may stand behind the
 * end of the list (the continuation, check.h). The memory is bounded by `memory_bytes`, as in a merge. SNAP_E_IO,
 * SNAP_E_NOMEM, SNAP_E_STOPPED; SNAP_E_CORRUPT: an entry is out of range now. After a failure *equal is false.
 */
enum snap_status snap_compare_merged(const struct snap_store *store, struct snap_io *origin, uint64_t first_index,
                                     uint64_t count, uint64_t memory_bytes, bool (*stop)(void *context),
                                     void *stop_context, bool *equal, struct snap_error *err);

#endif

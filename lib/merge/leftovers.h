/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the areas behind the end of a list that hold nothing that could be missed, so that a merge may zero them. */
#ifndef DMSNAP_MERGE_LEFTOVERS
#define DMSNAP_MERGE_LEFTOVERS

#include "lib/check/check.h"

struct snap_leftovers_search {
    const struct snap_store *store;
    struct snap_io *origin;
    const struct snap_check_result *check; /* complete; see snap_leftovers_find */
    uint64_t memory_bytes;                 /* as in snap_compare_merged */
    bool (*stop)(void *context);
    void *stop_context;
};

/*
 * The caller has compared the continuation, or the earlier entries (check.h), and the origin holds their data. These
 * areas begin behind the one with the end of the list; *end is the first area that is not one of them any more,
 * or 0 where there is none of them. Each entry in them can be done without: it is merged, since the origin holds its
 * data in its place; or the list uses its data chunk, because a merge has moved the entry or the kernel has used the
 * chunk again. An area that cannot be read is not one of them. SNAP_E_NOMEM, SNAP_E_STOPPED, SNAP_E_IO where the list
 * itself cannot be read any more.
 */
enum snap_status snap_leftovers_find(const struct snap_leftovers_search *search, uint64_t *end, struct snap_error *err);

#endif

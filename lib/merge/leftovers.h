/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Areas behind the end of a list in which nobody can miss anything: a merge may zero them. */
#ifndef DMSNAP_MERGE_LEFTOVERS
#define DMSNAP_MERGE_LEFTOVERS

#include "lib/check/check.h"

struct snap_leftovers_search {
    const struct snap_store *store;
    struct snap_io *origin;
    const struct snap_check_result *check; /* complete; what continues the list (continuation_entries) is merged: the caller
                                              has compared it */
    uint64_t memory_bytes;                 /* as in snap_compare_merged */
    bool (*stop)(void *context);
    void *stop_context;
};

/*
 * *end is the first area that is not one of them, or 0 where there is none of them; they begin behind the area with the
 * end of the list. All entries in them are merged (their data is what the origin holds in their place), or have a data
 * chunk that an entry of the list uses (rule list-cut: a merge moved it, or the kernel has used the chunk again). An
 * area that cannot be read is not one of them. SNAP_E_NOMEM, SNAP_E_STOPPED, SNAP_E_IO where the list itself cannot be
 * read any more.
 */
enum snap_status snap_leftovers_find(const struct snap_leftovers_search *search, uint64_t *end, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a merge of a store has brought to an origin, found by its bytes among the data that the COW keeps. */
#ifndef DMSNAP_CHECK_BROUGHT
#define DMSNAP_CHECK_BROUGHT

#include "lib/device/probe.h"
#include "lib/store/header.h"

struct snap_brought_search {
    const struct snap_store *store;
    uint64_t highest_new_chunk;       /* of its list: the data of entries that were cut off mostly lie behind that */
    const struct snap_probe *origin;  /* what is on the origin */
    uint64_t origin_bytes;
    snap_probe_read_fn read;          /* reads the origin */
    void *context;
    bool (*stop)(void *context);      /* polled; NULL: never. True ends the search with SNAP_E_STOPPED */
    void *stop_context;
};

/*
 * A cut takes an entry off the list and leaves its data where they are on the COW. *brought is what is still seen on
 * the origin when everything is blanked that the COW does not hold byte for byte, at the same place in a chunk. The
 * search reads the COW, all of it where nothing is found; a place that cannot be read there counts as not found.
 * SNAP_E_STOPPED, SNAP_E_NOMEM; what a read failed with that says nothing about the medium.
 */
enum snap_status snap_brought_find(const struct snap_brought_search *search, struct snap_probe *brought,
                                   struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tells an origin that a merge was begun with from a copy of what it was before. */
#ifndef DMSNAP_CHECK_UNMERGED
#define DMSNAP_CHECK_UNMERGED

#include "lib/check/fingerprinting.h"

struct snap_unmerged_search {
    const struct snap_store *store;
    uint64_t highest_new_chunk;       /* of its list: the data of entries that were cut off mostly lie behind that */
    struct snap_io *origin;
    bool (*stop)(void *context);      /* polled; NULL: never. True ends the search with SNAP_E_STOPPED */
    void *stop_context;
};

/* So few unmerged samples may be a chance; the COW is not searched for them. */
#define SNAP_UNMERGED_MIN 4u

/*
 * Looks at the samples of result->written, where a merge of the store has written, and fills in result->changed and
 * result->merged: which of them are not what they were before, and how many. Only where that is none, and
 * SNAP_UNMERGED_MIN or more are what they were, each in another chunk and with other content, result->unmerged is how
 * many of these the merge cannot have left like that. What it has written may be equal to what was there, above all
 * where chunks are much larger than the blocks: then the COW still has the same bytes at the same place in a chunk,
 * and such a sample is not counted. The search reads the COW, all of it where too few are found; if a place there
 * cannot be read, none is counted.
 * SNAP_E_STOPPED, SNAP_E_NOMEM; what a read failed with that says nothing about the medium.
 */
enum snap_status snap_unmerged_count(const struct snap_unmerged_search *search, struct snap_fingerprint_result *result,
                                     struct snap_error *err);

/*
 * For a store of this origin that is about to be appended to: its data chunks are used again, and with them goes what
 * the search finds there. So the written samples that the count has not seen to differ lose their checksums in
 * *fingerprint, a copy of the store's: from now on each one that is what it was before tells of another origin. Returns
 * whether there are any.
 */
bool snap_unmerged_forget(const struct snap_fingerprint_result *result, struct snap_fingerprint *fingerprint);

#endif

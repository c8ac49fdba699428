/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of a sibling, as its parts share it. Private to lib/merge. */
#ifndef DMSNAP_MERGE_SIBLING_PRIVATE
#define DMSNAP_MERGE_SIBLING_PRIVATE

#include "lib/check/chunkset.h"
#include "lib/merge/sibling.h"
#include "lib/store/list_append.h"

struct snap_sibling {
    const struct snap_store *store;
    struct snap_sibling_options options;
    struct snap_list_append append;
    struct snap_sibling_counts counts;
    struct snap_chunkset *found;     /* chunks that had an entry when the list was read */
    struct snap_chunkset *added;     /* chunks that got one since; scratch of snap_sibling_plan before the first copy */
    bool invalid;
    bool origin_unread;              /* the last copy failed to read the origin */
    bool failed;                     /* a write or flush failed: the sets may not be what is on the device */
    /* chunks that wait for their entries, in the order of the origin; there is room for one at least */
    uint64_t *pending;
    uint64_t pending_count, pending_max;
    /* one load of data on its way from the origin to the store */
    uint64_t load_chunks_max;
    uint64_t slice_bytes;
    uint8_t *buffer;                 /* load_chunks_max * slice_bytes */
    struct snap_plan plan;           /* SNAP_PLAN_COPY_OUT */
    struct snap_copy_group group;
};

/* SNAP_E_INTERNAL where a write or flush has failed: it is not known what the list is then. */
enum snap_status snap_sibling_check_usable(const struct snap_sibling *sibling, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorts the extents of all volumes of a group by place, and compares neighbours. */
#include "lib/lvm/overlap_private.h"

#include "lib/base/array.h"

#include <stdlib.h>

struct claim {
    const struct snap_metadata_lv *lv;
    size_t pv;
    uint64_t first_extent;
    uint64_t extents;
};

static int compare_claims(const void *one, const void *other)
{
    const struct claim *left = one, *right = other;

    if (left->pv != right->pv)
        return left->pv < right->pv ? -1 : 1;
    return (left->first_extent > right->first_extent) - (left->first_extent < right->first_extent);
}

/* Counts the claims, and fills them in where there is room for them. */
static size_t gather(const struct snap_metadata *metadata, struct claim *claims)
{
    size_t count = 0;

    for (size_t i = 0; i < metadata->lv_count; i++) {
        for (size_t j = 0; j < metadata->lvs[i].segment_count; j++) {
            const struct snap_metadata_segment *segment = &metadata->lvs[i].segments[j];

            for (unsigned k = 0; segment->kind == SNAP_METADATA_STRIPED && k < segment->stripe_count; k++, count++) {
                if (claims)
                    claims[count] = (struct claim){
                        .lv = &metadata->lvs[i],
                        .pv = segment->stripes[k].pv,
                        .first_extent = segment->stripes[k].first_extent,
                        .extents = segment->extents / segment->stripe_count,
                    };
            }
        }
    }
    return count;
}

enum snap_status snap_overlap_find(const struct snap_metadata *metadata, struct snap_overlap *overlap, uint64_t *looks,
                                   struct snap_error *err)
{
    const size_t count = gather(metadata, NULL);
    struct claim *claims = snap_array_new(count + 1, sizeof *claims);

    *overlap = (struct snap_overlap){.one = NULL};
    if (!claims)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", metadata->name);
    (void)gather(metadata, claims);
    qsort(claims, count, sizeof *claims, compare_claims);
    *looks += count;
    for (size_t i = 1; i < count && !overlap->one; i++) {
        const struct claim *before = &claims[i - 1];

        if (before->pv == claims[i].pv && claims[i].first_extent - before->first_extent < before->extents)
            *overlap = (struct snap_overlap){before->lv, claims[i].lv, claims[i].pv, claims[i].first_extent};
    }
    free(claims);
    return SNAP_OK;
}

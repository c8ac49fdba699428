/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorts what is asked for again and again, once for each group: the snapshots of an origin and of a store, overlaps. */
#include "lib/lvm/metadata_private.h"

#include "lib/base/array.h"
#include "lib/lvm/overlap_private.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct child {
    size_t origin;
    size_t lv; /* it holds the snapshot's segment */
};

struct snap_metadata_index {
    struct child *children; /* in the order of origin, and of lv for one origin */
    size_t child_count;
    size_t *of_store;       /* for each volume the one that holds the snapshot with this store, or lv_count */
    struct snap_overlap overlap;
    uint64_t looks;
};

void snap_metadata_index_free(struct snap_metadata_index *index)
{
    if (!index)
        return;
    free(index->children);
    free(index->of_store);
    free(index);
}

static int compare_children(const void *one, const void *other)
{
    const struct child *left = one, *right = other;

    if (left->origin != right->origin)
        return left->origin < right->origin ? -1 : 1;
    return (left->lv > right->lv) - (left->lv < right->lv);
}

typedef const struct snap_metadata_pv *pv_pointer;

static int compare_ids(const void *one, const void *other)
{
    return strcmp((*(const pv_pointer *)one)->id, (*(const pv_pointer *)other)->id);
}

/* Two with one id would be one device, whose extents belong to volumes twice. */
static enum snap_status refuse_repeated_ids(const struct snap_metadata *metadata,
                                            const struct snap_metadata_place *group, struct snap_error *err)
{
    pv_pointer *sorted = snap_array_new(metadata->pv_count + 1, sizeof *sorted);
    enum snap_status status = SNAP_OK;

    if (!sorted)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", group->name);
    for (size_t i = 0; i < metadata->pv_count; i++)
        sorted[i] = &metadata->pvs[i];
    qsort(sorted, metadata->pv_count, sizeof *sorted, compare_ids);
    for (size_t i = 1; i < metadata->pv_count && status == SNAP_OK; i++) {
        if (compare_ids(&sorted[i - 1], &sorted[i]) == 0)
            status = snap_metadata_wrong(group, err, "\"%.128s\" and \"%.128s\" have the same id",
                                         sorted[i - 1]->name, sorted[i]->name);
    }
    free(sorted);
    return status;
}

static enum snap_status add_snapshots(const struct snap_metadata *metadata, const struct snap_metadata_place *group,
                                      struct snap_metadata_index *index, struct snap_error *err)
{
    for (size_t lv = 0; lv < metadata->lv_count; lv++)
        index->of_store[lv] = metadata->lv_count;
    for (size_t lv = 0; lv < metadata->lv_count; lv++) {
        const struct snap_metadata_segment *segment = metadata->lvs[lv].segments;

        if (segment->kind != SNAP_METADATA_SNAPSHOT)
            continue;
        if (index->of_store[segment->cow] < metadata->lv_count)
            return snap_metadata_wrong(group, err, "\"%.128s\" is the store of two snapshots, \"%.128s\" and "
                                       "\"%.128s\"", metadata->lvs[segment->cow].name,
                                       metadata->lvs[index->of_store[segment->cow]].name, metadata->lvs[lv].name);
        index->of_store[segment->cow] = lv;
        index->children[index->child_count++] = (struct child){segment->origin, lv};
    }
    index->looks += metadata->lv_count;
    qsort(index->children, index->child_count, sizeof *index->children, compare_children);
    return SNAP_OK;
}

enum snap_status snap_metadata_make_index(struct snap_metadata *metadata, const struct snap_metadata_place *group,
                                          struct snap_error *err)
{
    struct snap_metadata_index *index = metadata->index = calloc(1, sizeof *index);
    enum snap_status status;

    if (index) {
        index->children = snap_array_new(metadata->lv_count + 1, sizeof *index->children);
        index->of_store = snap_array_new(metadata->lv_count + 1, sizeof *index->of_store);
    }
    if (!index || !index->children || !index->of_store)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", group->name);
    status = refuse_repeated_ids(metadata, group, err);
    if (status == SNAP_OK)
        status = add_snapshots(metadata, group, index, err);
    return status == SNAP_OK ? snap_overlap_find(metadata, &index->overlap, &index->looks, err) : status;
}

static const struct snap_metadata_segment *any_snapshot(const struct snap_metadata *metadata, size_t from, size_t *at)
{
    for (size_t i = from; i < metadata->lv_count; i++) {
        metadata->index->looks++;
        if (metadata->lvs[i].segments->kind == SNAP_METADATA_SNAPSHOT) {
            *at = i;
            return metadata->lvs[i].segments;
        }
    }
    return NULL;
}

const struct snap_metadata_segment *snap_metadata_next_snapshot(const struct snap_metadata *metadata, size_t origin,
                                                                size_t from, size_t *at)
{
    const struct child wanted = {origin, from};
    struct snap_metadata_index *index = metadata->index;
    size_t below = 0, end = index->child_count;

    if (origin == metadata->lv_count)
        return any_snapshot(metadata, from, at);
    while (below < end) {
        const size_t middle = below + (end - below) / 2;

        index->looks++;
        if (compare_children(&index->children[middle], &wanted) < 0)
            below = middle + 1;
        else
            end = middle;
    }
    if (below == index->child_count || index->children[below].origin != origin)
        return NULL;
    *at = index->children[below].lv;
    return metadata->lvs[*at].segments;
}

const struct snap_metadata_segment *snap_metadata_snapshot_of(const struct snap_metadata *metadata, size_t cow)
{
    const size_t lv = metadata->index->of_store[cow];

    metadata->index->looks++;
    return lv < metadata->lv_count ? metadata->lvs[lv].segments : NULL;
}

uint64_t snap_metadata_looks(const struct snap_metadata *metadata)
{
    return metadata->index->looks;
}

enum snap_status snap_metadata_refuse_overlap(const struct snap_metadata *metadata, struct snap_error *err)
{
    struct snap_overlap overlap;
    uint64_t looks = 0;
    enum snap_status status = SNAP_OK;

    if (metadata->index)
        overlap = metadata->index->overlap;
    else
        status = snap_overlap_find(metadata, &overlap, &looks, err);
    if (status != SNAP_OK || !overlap.one)
        return status;
    return snap_fail(err, SNAP_E_CORRUPT,
                     "%s: the LVM metadata give extent %" PRIu64 " of \"%s\" to \"%s\" and to \"%s\"", metadata->name,
                     overlap.extent, metadata->pvs[overlap.pv].name, overlap.one->name, overlap.other->name);
}

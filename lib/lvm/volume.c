/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Turns extents into bytes, and finds the segment and the stripe of a byte. */
#include "lib/lvm/volume.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/base/bytes.h"
#include "lib/lvm/metadata_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void snap_volume_free(struct snap_volume *volume)
{
    if (!volume)
        return;
    for (size_t i = 0; i < volume->segment_count; i++)
        free(volume->segments[i].areas);
    free(volume->segments);
    free(volume->pvs);
    free(volume->name);
    free(volume);
}

static enum snap_status refuse_types(const struct snap_volume *volume, const struct snap_metadata_lv *lv,
                                     struct snap_error *err)
{
    if (lv->locked)
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: LVM is in the middle of a change of this volume (pvmove); let LVM finish it, or take it "
                         "back", volume->name);
    if (lv->strange_flag)
        return snap_fail(err, SNAP_E_REFUSED, "%s: LVM gives it the status \"%s\", which is not known here",
                         volume->name, lv->strange_flag);
    for (size_t i = 0; i < lv->segment_count; i++) {
        const struct snap_metadata_segment *segment = &lv->segments[i];

        if (segment->kind == SNAP_METADATA_STRIPED)
            continue;
        if (segment->on_volume)
            return snap_fail(err, SNAP_E_REFUSED,
                             "%s: its extents from %" PRIu64 " on stand on the volume \"%s\", not on a physical volume",
                             volume->name, segment->start_extent, segment->on_volume);
        return snap_fail(err, SNAP_E_REFUSED,
                         "%s: its extents from %" PRIu64 " on are of type \"%s\"; only linear and striped ones can be "
                         "used without activating the volume", volume->name, segment->start_extent, segment->type);
    }
    return SNAP_OK;
}

static enum snap_status make_segment(const struct snap_metadata *metadata, const struct snap_metadata_segment *extents,
                                     uint64_t extent_bytes, const char *name, struct snap_volume_segment *segment,
                                     struct snap_error *err)
{
    *segment = (struct snap_volume_segment){
        .logical_bytes = extents->start_extent * extent_bytes,
        .length_bytes = extents->extents * extent_bytes,
        .stripe_bytes = extents->stripe_count > 1 ? extents->stripe_sectors * SNAP_SECTOR_BYTES : 0,
        .area_count = extents->stripe_count,
        .areas = snap_array_new(extents->stripe_count, sizeof *segment->areas),
    };
    if (!segment->areas)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its segments", name);
    for (unsigned i = 0; i < extents->stripe_count; i++) {
        const struct snap_metadata_stripe *stripe = &extents->stripes[i];
        const struct snap_metadata_pv *pv = &metadata->pvs[stripe->pv];

        /* Inside of the physical volume, whose end is a number of bytes: the metadata were checked. */
        segment->areas[i] = (struct snap_volume_area){
            .pv = stripe->pv,
            .offset_bytes = pv->start_sectors * SNAP_SECTOR_BYTES + stripe->first_extent * extent_bytes,
        };
    }
    return SNAP_OK;
}

static int compare_indexes(const void *one, const void *other)
{
    const size_t left = *(const size_t *)one, right = *(const size_t *)other;

    return (left > right) - (left < right);
}

/* A group may have as many physical volumes as the volume has segments: asking each segment for each takes too long. */
static enum snap_status list_pvs(struct snap_volume *volume, struct snap_error *err)
{
    size_t count = 0, used = 0;

    for (size_t i = 0; i < volume->segment_count; i++)
        count += volume->segments[i].area_count;
    volume->pvs = snap_array_new(count + 1, sizeof *volume->pvs);
    if (!volume->pvs)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its segments", volume->name);
    for (size_t i = 0; i < volume->segment_count; i++) {
        for (unsigned j = 0; j < volume->segments[i].area_count; j++)
            volume->pvs[used++] = volume->segments[i].areas[j].pv;
    }
    qsort(volume->pvs, count, sizeof *volume->pvs, compare_indexes);
    for (size_t i = 0; i < count; i++) {
        if (volume->pv_count == 0 || volume->pvs[volume->pv_count - 1] != volume->pvs[i])
            volume->pvs[volume->pv_count++] = volume->pvs[i];
    }
    return SNAP_OK;
}

static enum snap_status make_segments(const struct snap_metadata *metadata, const struct snap_metadata_lv *lv,
                                      struct snap_volume *volume, struct snap_error *err)
{
    const uint64_t extent_bytes = metadata->extent_sectors * SNAP_SECTOR_BYTES; /* sectors are below 2^32 */
    enum snap_status status = refuse_types(volume, lv, err);

    if (status == SNAP_OK)
        status = snap_metadata_refuse_overlap(metadata, err);
    if (status != SNAP_OK)
        return status;
    if (!snap_mul(lv->extents, extent_bytes, &volume->size_bytes) || volume->size_bytes > INT64_MAX)
        return snap_fail(err, SNAP_E_CORRUPT, "%s: %" PRIu64 " extents of %" PRIu64 " bytes are too many", volume->name,
                         lv->extents, extent_bytes);
    volume->segments = snap_array_new(lv->segment_count, sizeof *volume->segments);
    if (!volume->segments)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its segments", volume->name);
    for (size_t i = 0; i < lv->segment_count && status == SNAP_OK; i++) {
        status = make_segment(metadata, &lv->segments[i], extent_bytes, volume->name, &volume->segments[i], err);
        volume->segment_count = i + 1;
    }
    return status == SNAP_OK ? list_pvs(volume, err) : status;
}

enum snap_status snap_volume_new(const struct snap_metadata *metadata, size_t lv, struct snap_volume **volume,
                                 struct snap_error *err)
{
    struct snap_volume *made = calloc(1, sizeof *made);
    const size_t name_bytes = strlen(metadata->name) + strlen(metadata->lvs[lv].name) + 2;
    enum snap_status status;

    if (!made || !(made->name = malloc(name_bytes))) {
        free(made);
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for it", metadata->lvs[lv].name);
    }
    (void)snprintf(made->name, name_bytes, "%s/%s", metadata->name, metadata->lvs[lv].name);
    status = make_segments(metadata, &metadata->lvs[lv], made, err);
    if (status == SNAP_OK)
        *volume = made;
    else
        snap_volume_free(made);
    return status;
}

static const struct snap_volume_segment *segment_of(const struct snap_volume *volume, uint64_t logical_bytes)
{
    size_t from = 0, end = volume->segment_count;

    while (end - from > 1) {
        const size_t middle = from + (end - from) / 2;

        if (volume->segments[middle].logical_bytes <= logical_bytes)
            from = middle;
        else
            end = middle;
    }
    return &volume->segments[from];
}

struct snap_volume_place snap_volume_place_of(const struct snap_volume *volume, uint64_t logical_bytes)
{
    const struct snap_volume_segment *segment = segment_of(volume, logical_bytes);
    const uint64_t inside_bytes = logical_bytes - segment->logical_bytes;
    uint64_t stripe, behind_bytes;

    if (segment->area_count == 1)
        return (struct snap_volume_place){
            .pv = segment->areas[0].pv,
            .offset_bytes = segment->areas[0].offset_bytes + inside_bytes,
            .length_bytes = segment->length_bytes - inside_bytes,
        };
    /* Stripe 0 is the first of area 0, stripe 1 the first of area 1, and so on around. */
    stripe = inside_bytes / segment->stripe_bytes;
    behind_bytes = inside_bytes % segment->stripe_bytes;
    return (struct snap_volume_place){
        .pv = segment->areas[stripe % segment->area_count].pv,
        .offset_bytes = segment->areas[stripe % segment->area_count].offset_bytes +
                        stripe / segment->area_count * segment->stripe_bytes + behind_bytes,
        .length_bytes = segment->stripe_bytes - behind_bytes,
    };
}

bool snap_volume_is_on(const struct snap_volume *volume, size_t pv)
{
    return bsearch(&pv, volume->pvs, volume->pv_count, sizeof pv, compare_indexes);
}

uint64_t snap_volume_needed_bytes(const struct snap_volume *volume, size_t pv)
{
    uint64_t needed_bytes = 0;

    for (size_t i = 0; i < volume->segment_count; i++) {
        const struct snap_volume_segment *segment = &volume->segments[i];
        const uint64_t area_bytes = segment->length_bytes / segment->area_count;

        for (unsigned k = 0; k < segment->area_count; k++)
            if (segment->areas[k].pv == pv)
                needed_bytes = snap_max(needed_bytes, segment->areas[k].offset_bytes + area_bytes);
    }
    return needed_bytes;
}

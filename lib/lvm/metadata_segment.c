/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the segments of a logical volume: what each stands on, and that they follow each other. */
#include "lib/lvm/metadata_private.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/lvm/raid.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SEGMENT "segment"

/* Sections whose name is "segment" and a number. */
static bool is_segment(const struct snap_lvm_text_node *node)
{
    const char *name = snap_lvm_text_name(node);
    const char *number = strncmp(name, SEGMENT, strlen(SEGMENT)) == 0 ? name + strlen(SEGMENT) : "";

    return snap_lvm_text_is_section(node) && *number && number[strspn(number, "0123456789")] == '\0';
}

/* One entry of `stripes`: the name of a volume, and an extent of it. */
static enum snap_status read_stripe(const struct snap_metadata *metadata, const struct snap_metadata_place *place,
                                    const struct snap_lvm_text_value **value, uint64_t extents,
                                    struct snap_metadata_segment *segment, struct snap_metadata_stripe *stripe,
                                    struct snap_error *err)
{
    const char *volume = *value ? snap_lvm_text_string(*value) : NULL;

    *value = volume ? snap_lvm_text_following(*value) : NULL;
    if (!*value || !snap_lvm_text_number(*value, &stripe->first_extent))
        return snap_metadata_wrong(place, err, "stripes is no list of %u volumes with an extent each",
                                   segment->stripe_count);
    *value = snap_lvm_text_following(*value);
    stripe->pv = snap_metadata_pv_named(metadata, volume);
    if (stripe->pv == metadata->pv_count) {
        const size_t lv = snap_metadata_find(metadata, volume);

        if (lv == metadata->lv_count)
            return snap_metadata_wrong(place, err, "stripes names \"%.128s\", and there is no such volume", volume);
        segment->kind = SNAP_METADATA_OTHER;
        segment->on_volume = metadata->lvs[lv].name;
        return SNAP_OK;
    }
    if (!snap_range_fits(stripe->first_extent, extents, metadata->pvs[stripe->pv].extents))
        return snap_metadata_wrong(place, err, "%" PRIu64 " extents from extent %" PRIu64
                                   " of \"%.128s\" on, which has only %" PRIu64, extents, stripe->first_extent, volume,
                                   metadata->pvs[stripe->pv].extents);
    return SNAP_OK;
}

static enum snap_status read_stripes(const struct snap_metadata *metadata, const struct snap_metadata_place *place,
                                     struct snap_metadata_segment *segment, struct snap_error *err)
{
    const struct snap_lvm_text_node *node = snap_lvm_text_find(place->section, "stripes");
    const struct snap_lvm_text_value *value = node ? snap_lvm_text_first(node) : NULL;
    uint64_t count, area_sectors;
    enum snap_status status =
        snap_metadata_number(place, "stripe_count", 1, SNAP_METADATA_STRIPES_MAX, &count, err);

    if (status == SNAP_OK && count > 1)
        status = snap_metadata_number(place, "stripe_size", 1, UINT32_MAX, &segment->stripe_sectors, err);
    if (status != SNAP_OK)
        return status;
    if (segment->extents % count != 0)
        return snap_metadata_wrong(place, err, "%" PRIu64 " extents are no multiple of %" PRIu64 " stripes",
                                   segment->extents, count);
    if (!snap_mul(segment->extents / count, metadata->extent_sectors, &area_sectors) ||
        (count > 1 && area_sectors % segment->stripe_sectors != 0))
        return snap_metadata_wrong(place, err, "%" PRIu64 " extents of a stripe are no multiple of a stripe_size of %"
                                   PRIu64 " sectors", segment->extents / count, segment->stripe_sectors);
    segment->stripes = snap_array_new(count, sizeof *segment->stripes);
    if (!segment->stripes)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", place->name);
    segment->stripe_count = (unsigned)count;
    for (unsigned i = 0; i < count && status == SNAP_OK; i++)
        status = read_stripe(metadata, place, &value, segment->extents / count, segment, &segment->stripes[i], err);
    if (status == SNAP_OK && value)
        return snap_metadata_wrong(place, err, "stripes is no list of %" PRIu64 " volumes with an extent each", count);
    return status;
}

static enum snap_status find_volume(const struct snap_metadata *metadata, const struct snap_metadata_place *place,
                                    const char *field, size_t *lv, struct snap_error *err)
{
    const char *name;
    enum snap_status status = snap_metadata_string(place, field, NULL, &name, err);

    if (status != SNAP_OK)
        return status;
    *lv = snap_metadata_find(metadata, name);
    return *lv < metadata->lv_count
               ? SNAP_OK
               : snap_metadata_wrong(place, err, "%s is \"%.128s\", and there is no such volume", field, name);
}

static enum snap_status read_snapshot(const struct snap_metadata *metadata, const struct snap_metadata_place *place,
                                      struct snap_metadata_segment *segment, struct snap_error *err)
{
    enum snap_status status = snap_metadata_number(place, "chunk_size", 1, UINT32_MAX, &segment->chunk_sectors, err);

    segment->merging = snap_lvm_text_find(place->section, "merging_store");
    if (status == SNAP_OK && segment->merging && snap_lvm_text_find(place->section, "cow_store"))
        return snap_metadata_wrong(place, err, "cow_store and merging_store exclude each other");
    if (status == SNAP_OK)
        status = find_volume(metadata, place, "origin", &segment->origin, err);
    if (status == SNAP_OK)
        status = find_volume(metadata, place, segment->merging ? "merging_store" : "cow_store", &segment->cow, err);
    if (status == SNAP_OK && segment->origin == segment->cow)
        return snap_metadata_wrong(place, err, "a snapshot whose origin is its own store");
    return status;
}

static enum snap_status keep_legs(const struct snap_metadata_place *place, const struct snap_metadata_leg *legs,
                                  unsigned count, enum snap_metadata_kind kind, struct snap_metadata_segment *segment,
                                  struct snap_error *err)
{
    segment->legs = snap_array_new(count, sizeof *segment->legs);
    if (!segment->legs)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", place->name);
    memcpy(segment->legs, legs, count * sizeof *legs);
    segment->leg_count = count;
    segment->kind = kind;
    return SNAP_OK;
}

/* A raid1 volume that cannot be understood stays one of another type: it is refused when it is asked for. */
static enum snap_status read_legs(const struct snap_metadata *metadata, const struct snap_metadata_place *place,
                                  struct snap_metadata_segment *segment, struct snap_error *err)
{
    const struct snap_lvm_text_node *node = snap_lvm_text_find(place->section, "raids");
    struct snap_metadata_leg legs[SNAP_RAID_LEGS_MAX];
    unsigned count = 0, names = 0;

    for (const struct snap_lvm_text_value *value = node ? snap_lvm_text_first(node) : NULL; value;
         value = snap_lvm_text_following(value), names++) {
        const char *name = snap_lvm_text_string(value);
        const size_t lv = name ? snap_metadata_find(metadata, name) : metadata->lv_count;

        if (lv == metadata->lv_count || count == SNAP_RAID_LEGS_MAX)
            return SNAP_OK;
        if (names % 2 == 0)
            legs[count].meta = lv;
        else
            legs[count++].image = lv;
    }
    return count == 0 || names % 2 != 0 ? SNAP_OK
                                        : keep_legs(place, legs, count, SNAP_METADATA_RAID1, segment, err);
}

/* The same for a mirror: its legs are whole volumes. That of a pvmove has physical volumes, and is none. */
static enum snap_status read_mirrors(const struct snap_metadata *metadata, const struct snap_metadata_place *place,
                                     struct snap_metadata_segment *segment, struct snap_error *err)
{
    const struct snap_lvm_text_node *node = snap_lvm_text_find(place->section, "mirrors");
    const struct snap_lvm_text_value *value = node ? snap_lvm_text_first(node) : NULL;
    struct snap_metadata_leg legs[SNAP_RAID_LEGS_MAX];
    unsigned count = 0;

    while (value) {
        const char *name = snap_lvm_text_string(value);
        const size_t lv = name ? snap_metadata_find(metadata, name) : metadata->lv_count;
        uint64_t first_extent;

        value = snap_lvm_text_following(value);
        if (lv == metadata->lv_count || count == SNAP_RAID_LEGS_MAX || !value ||
            !snap_lvm_text_number(value, &first_extent) || first_extent != 0)
            return SNAP_OK;
        legs[count++] = (struct snap_metadata_leg){.meta = lv, .image = lv};
        value = snap_lvm_text_following(value);
    }
    return count == 0 ? SNAP_OK : keep_legs(place, legs, count, SNAP_METADATA_MIRROR, segment, err);
}

static enum snap_status read_segment(const struct snap_metadata *metadata, const struct snap_metadata_place *place,
                                     struct snap_metadata_segment *segment, struct snap_error *err)
{
    enum snap_status status = snap_metadata_string(place, "type", NULL, &segment->type, err);

    if (status == SNAP_OK)
        status = snap_metadata_number(place, "start_extent", 0, UINT32_MAX, &segment->start_extent, err);
    if (status == SNAP_OK)
        status = snap_metadata_number(place, "extent_count", 1, UINT32_MAX, &segment->extents, err);
    if (status != SNAP_OK)
        return status;
    segment->kind = SNAP_METADATA_OTHER;
    if (strcmp(segment->type, "striped") == 0) {
        segment->kind = SNAP_METADATA_STRIPED;
        return read_stripes(metadata, place, segment, err);
    }
    if (strcmp(segment->type, "snapshot") == 0) {
        segment->kind = SNAP_METADATA_SNAPSHOT;
        return read_snapshot(metadata, place, segment, err);
    }
    if (strcmp(segment->type, "mirror") == 0)
        return read_mirrors(metadata, place, segment, err);
    return strcmp(segment->type, "raid1") == 0 ? read_legs(metadata, place, segment, err) : SNAP_OK;
}

static int compare_segments(const void *one, const void *other)
{
    const uint64_t left = ((const struct snap_metadata_segment *)one)->start_extent;
    const uint64_t right = ((const struct snap_metadata_segment *)other)->start_extent;

    return (left > right) - (left < right);
}

/* In the order of their places, without gap and overlap. */
static enum snap_status order_segments(struct snap_metadata_lv *lv, const struct snap_metadata_place *place,
                                       struct snap_error *err)
{
    qsort(lv->segments, lv->segment_count, sizeof *lv->segments, compare_segments);
    for (size_t i = 0; i < lv->segment_count; i++) {
        const struct snap_metadata_segment *segment = &lv->segments[i];

        if (segment->start_extent != lv->extents)
            return snap_metadata_wrong(place, err, "a segment begins at extent %" PRIu64 ", expected %" PRIu64,
                                       segment->start_extent, lv->extents);
        if (segment->kind == SNAP_METADATA_SNAPSHOT && lv->segment_count > 1)
            return snap_metadata_wrong(place, err, "a snapshot with %zu segments, expected 1", lv->segment_count);
        lv->extents += segment->extents; /* each below 2^32, and fewer of them than words in the text */
    }
    return SNAP_OK;
}

enum snap_status snap_metadata_segments(const struct snap_metadata *metadata, struct snap_metadata_lv *lv,
                                        const struct snap_metadata_place *place, struct snap_error *err)
{
    uint64_t named_count;
    size_t count = 0;
    enum snap_status status = snap_metadata_number(place, "segment_count", 1, UINT32_MAX, &named_count, err);

    if (status != SNAP_OK)
        return status;
    for (const struct snap_lvm_text_node *node = snap_lvm_text_inside(place->section); node;
         node = snap_lvm_text_next(node))
        count += is_segment(node);
    if (count != named_count)
        return snap_metadata_wrong(place, err, "%zu segments, expected %" PRIu64, count, named_count);
    lv->segments = snap_array_new(count, sizeof *lv->segments);
    if (!lv->segments)
        return snap_fail(err, SNAP_E_NOMEM, "%s: no memory for its LVM metadata", place->name);
    for (const struct snap_lvm_text_node *node = snap_lvm_text_inside(place->section); node && status == SNAP_OK;
         node = snap_lvm_text_next(node)) {
        const struct snap_metadata_place inner = {place->name, place->outer, snap_lvm_text_name(node), node};

        if (is_segment(node))
            status = read_segment(metadata, &inner, &lv->segments[lv->segment_count++], err);
    }
    return status == SNAP_OK ? order_segments(lv, place, err) : status;
}

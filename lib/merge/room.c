/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lays the list over the holes of the origin. */
#include "lib/merge/room.h"

#include "lib/base/arith.h"
#include "lib/check/chunkset.h"
#include "lib/io/extents.h"
#include "lib/store/list_walk.h"

struct counting {
    const struct snap_room *room;
    uint64_t block_bytes;
    struct snap_chunkset *blocks;    /* that were counted; NULL: each comes once anyway */
    uint64_t hole_bytes, data_bytes; /* where the hole that was found last begins, and where it ends */
    uint64_t extent_bytes;           /* the end of the extent behind it */
    uint64_t needed_bytes;
};

/* Finds the hole, or the extent behind it, that `at` is in. */
static enum snap_status look_at(struct counting *counting, uint64_t at_bytes, struct snap_error *err)
{
    uint64_t length_bytes;
    enum snap_status status;

    if (at_bytes >= counting->hole_bytes && at_bytes < counting->extent_bytes)
        return SNAP_OK;
    status = snap_extents_next(counting->room->origin, at_bytes, &counting->data_bytes, &length_bytes, err);
    counting->hole_bytes = at_bytes;
    counting->extent_bytes = counting->data_bytes + length_bytes;
    return status;
}

/* A set that is full counts no more: too little is better than a refusal without a reason. */
static void count_hole(struct counting *counting, uint64_t from_bytes, uint64_t to_bytes)
{
    const uint64_t first = from_bytes / counting->block_bytes, end = snap_div_up(to_bytes, counting->block_bytes);
    bool was_there;

    if (!counting->blocks)
        counting->needed_bytes += (end - first) * counting->block_bytes;
    for (uint64_t block = first; counting->blocks && block < end; block++)
        if (snap_chunkset_add(counting->blocks, block, &was_there) == SNAP_OK && !was_there)
            counting->needed_bytes += counting->block_bytes;
}

static enum snap_status count_range(struct counting *counting, uint64_t at_bytes, uint64_t end_bytes,
                                    struct snap_error *err)
{
    while (at_bytes < end_bytes) {
        const enum snap_status status = look_at(counting, at_bytes, err);

        if (status != SNAP_OK)
            return status;
        if (at_bytes < counting->data_bytes)
            count_hole(counting, at_bytes, snap_min(end_bytes, counting->data_bytes));
        at_bytes = counting->extent_bytes;
    }
    return SNAP_OK;
}

static enum snap_status count_chunk(struct counting *counting, uint64_t old_chunk, struct snap_error *err)
{
    const struct snap_volume *volume = counting->room->volume;
    const uint64_t chunk_bytes = counting->room->store->layout.chunk_bytes;
    const uint64_t size_bytes = volume ? volume->size_bytes : counting->room->origin->size_bytes;
    enum snap_status status = SNAP_OK;
    uint64_t at_bytes, end_bytes;

    if (!snap_mul(old_chunk, chunk_bytes, &at_bytes) || at_bytes >= size_bytes)
        return SNAP_OK;
    end_bytes = at_bytes + snap_min(chunk_bytes, size_bytes - at_bytes);
    if (!volume)
        return count_range(counting, at_bytes, end_bytes, err);
    while (at_bytes < end_bytes && status == SNAP_OK) {
        const struct snap_volume_place place = snap_volume_place_of(volume, at_bytes);
        const uint64_t length_bytes = snap_min(place.length_bytes, end_bytes - at_bytes);

        if (place.pv == counting->room->pv)
            status = count_range(counting, place.offset_bytes, place.offset_bytes + length_bytes, err);
        at_bytes += length_bytes;
    }
    return status;
}

static enum snap_status count_list(struct counting *counting, struct snap_error *err)
{
    const struct snap_room *room = counting->room;
    struct snap_list_walk *walk;
    struct snap_span span = {.live = 1};
    enum snap_status status = snap_list_walk_open(&walk, room->store, err);

    if (status != SNAP_OK)
        return status;
    snap_list_walk_stop_on(walk, room->stop, room->stop_context);
    while (status == SNAP_OK && span.live > 0) {
        status = snap_list_walk_next(walk, &span, err);
        if (span.slots == 0)
            break;
        for (uint32_t i = 0; i < span.live && status == SNAP_OK; i++)
            status = count_chunk(counting, snap_span_old(&span, i), err);
    }
    snap_list_walk_close(walk);
    return status;
}

enum snap_status snap_room_needed(const struct snap_room *room, uint64_t *needed_bytes, struct snap_error *err)
{
    struct counting counting = {.room = room, .block_bytes = snap_extents_block_bytes(room->origin)};
    const uint64_t chunk_bytes = room->store->layout.chunk_bytes;
    uint64_t most_bytes, listed_bytes;
    enum snap_status status = snap_extents_missing(room->origin, 0, UINT64_MAX, room->stop, room->stop_context,
                                                   &most_bytes, err);

    if (status != SNAP_OK)
        return status;
    if (snap_mul(room->entries, snap_max(chunk_bytes, counting.block_bytes), &listed_bytes))
        most_bytes = snap_min(most_bytes, listed_bytes);
    *needed_bytes = most_bytes;
    if (most_bytes <= room->enough_bytes)
        return SNAP_OK;
    if (room->repeated || room->volume || chunk_bytes < counting.block_bytes) { /* stripes may share a block */
        counting.blocks = snap_chunkset_new(room->memory_bytes);
        if (!counting.blocks)
            return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for its holes", room->origin->name);
    }
    status = count_list(&counting, err);
    snap_chunkset_free(counting.blocks);
    *needed_bytes = counting.needed_bytes;
    return status;
}

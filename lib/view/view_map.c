/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sorted map of the entries of a part of the origin, loaded anew where another part is asked for. */
#include "lib/view/view_map_private.h"

#include "lib/base/arith.h"
#include "lib/base/array.h"
#include "lib/base/bytes.h"
#include "lib/store/list_walk.h"

#include <stdlib.h>

bool snap_view_map_init(struct snap_view_map *map, const struct snap_store *store, uint64_t origin_chunks,
                        uint64_t memory_bytes)
{
    *map = (struct snap_view_map){
        .store = store,
        .origin_chunks = origin_chunks,
        .room = snap_max(memory_bytes, SNAP_VIEW_MEMORY_MIN_BYTES) / sizeof *map->entries,
    };
    map->entries = snap_array_new_unset(map->room, sizeof *map->entries);
    return map->entries;
}

static int by_number(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

    return (left > right) - (left < right);
}

/* The data chunk of an entry, or its damage. */
static uint64_t judge_new(const struct snap_view_map *map, uint64_t index, uint64_t new_chunk)
{
    const struct snap_view_skip *skip = map->skip;

    if (!skip)
        return new_chunk;
    if (!snap_layout_is_data_chunk(&map->store->layout, new_chunk))
        return snap_view_map_damaged(SNAP_VIEW_NO_DATA_CHUNK);
    for (size_t i = 0; i < skip->displaced_count; i++)
        if (skip->displaced[i] == index)
            return snap_view_map_damaged(SNAP_VIEW_SHARED);
    return skip->shared_count > 0 && bsearch(&new_chunk, skip->shared_chunks, skip->shared_count,
                                             sizeof *skip->shared_chunks, by_number)
               ? snap_view_map_damaged(SNAP_VIEW_SHARED)
               : new_chunk;
}

static int by_old(const void *a, const void *b)
{
    const struct snap_mapped *left = a, *right = b;

    if (left->old_chunk != right->old_chunk)
        return left->old_chunk > right->old_chunk ? 1 : -1;
    return (left->index > right->index) - (left->index < right->index);
}

/* Sorts; of several entries for one chunk keeps the first on disk. */
static void tidy(struct snap_view_map *map)
{
    size_t kept = 0;

    qsort(map->entries, map->count, sizeof *map->entries, by_old);
    for (size_t i = 0; i < map->count; i++)
        if (kept == 0 || map->entries[kept - 1].old_chunk != map->entries[i].old_chunk)
            map->entries[kept++] = map->entries[i];
        else if (map->skip && map->entries[kept - 1].new_chunk != map->entries[i].new_chunk)
            map->entries[kept - 1].new_chunk = snap_view_map_damaged(SNAP_VIEW_TWO_ENTRIES);
    map->count = kept;
}

/* The map is full: keeps the lower half of it, and ends the part that it covers there. */
static void halve(struct snap_view_map *map)
{
    tidy(map);
    if (map->count * 2 <= map->room)
        return;
    map->count /= 2;
    map->end_chunk = map->entries[map->count - 1].old_chunk + 1;
}

/* Maps as many chunks from `first_chunk` on as there is room for. */
static enum snap_status load_map(struct snap_view_map *map, uint64_t first_chunk, struct snap_error *err)
{
    struct snap_list_walk *walk;
    struct snap_span span;
    enum snap_status status = snap_list_walk_open(&walk, map->store, err);

    if (status != SNAP_OK)
        return status;
    map->first_chunk = first_chunk;
    map->end_chunk = map->origin_chunks;
    map->count = 0;
    do {
        status = snap_list_walk_next(walk, &span, err);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++) {
            const struct snap_mapped entry = {
                .old_chunk = snap_span_old(&span, i),
                .new_chunk = judge_new(map, span.first_index + i, snap_span_new(&span, i)),
                .index = span.first_index + i,
            };

            if (entry.old_chunk < first_chunk || entry.old_chunk >= map->end_chunk)
                continue;
            if (map->count == map->room)
                halve(map);
            if (entry.old_chunk < map->end_chunk)
                map->entries[map->count++] = entry;
        }
    } while (status == SNAP_OK && span.live != 0);
    snap_list_walk_close(walk);
    if (status == SNAP_OK)
        tidy(map);
    else
        map->first_chunk = map->end_chunk = 0;
    return status;
}

size_t snap_view_map_lower_bound(const struct snap_view_map *map, uint64_t chunk)
{
    size_t low = 0, high = map->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (map->entries[middle].old_chunk < chunk)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

enum snap_status snap_view_map_cover(struct snap_view_map *map, uint64_t chunk, struct snap_error *err)
{
    if (chunk >= map->first_chunk && chunk < map->end_chunk)
        return SNAP_OK;
    return load_map(map, chunk, err);
}

void snap_view_map_free(struct snap_view_map *map)
{
    free(map->entries);
}

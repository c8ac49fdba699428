/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which entry counts for a chunk of the view, in bounded memory. */
#ifndef DMSNAP_VIEW_VIEW_MAP_PRIVATE
#define DMSNAP_VIEW_VIEW_MAP_PRIVATE

#include "lib/view/view.h"

/* An entry that may be in the map; `index` orders entries of one chunk, the first on disk counts. */
struct snap_mapped {
    uint64_t old_chunk;
    uint64_t new_chunk; /* or its damage, where damaged chunks are skipped */
    uint64_t index;
};

struct snap_view_map {
    const struct snap_store *store;
    uint64_t origin_chunks;
    const struct snap_view_skip *skip; /* NULL: damage is an error */
    /* All entries with first_chunk <= old < end_chunk, sorted by old, each once. */
    uint64_t first_chunk, end_chunk;
    struct snap_mapped *entries;
    size_t count;
    uint64_t room;
};

/* A damaged entry has its damage in the place of its data chunk, where no device has one. */
#define SNAP_VIEW_DAMAGE_FIRST (UINT64_MAX - SNAP_VIEW_DAMAGES + 1)

static inline uint64_t snap_view_map_damaged(enum snap_view_damage damage)
{
    return SNAP_VIEW_DAMAGE_FIRST + damage;
}

/* False: out of memory. Nothing is mapped yet. Free it in any case. */
bool snap_view_map_init(struct snap_view_map *map, const struct snap_store *store, uint64_t origin_chunks,
                        uint64_t memory_bytes);
void snap_view_map_free(struct snap_view_map *map);

/* Makes sure that the map covers this chunk of the origin. What a walk over the list fails with: it covers nothing. */
enum snap_status snap_view_map_cover(struct snap_view_map *map, uint64_t chunk, struct snap_error *err);

/* The first mapped entry at or behind the chunk, which the map covers; `count` where there is none. */
size_t snap_view_map_lower_bound(const struct snap_view_map *map, uint64_t chunk);

#endif

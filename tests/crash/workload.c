/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of workloads. EPA is 32 for chunks of one sector, 64 for two, 256 for eight. */
#include "tests/crash/workload.h"

#include <stdio.h>

static const struct workload table[] = {
    /* Chunks of a sector: an area is one atomic unit. */
    {.name = "cs1-one-entry", .chunk_sectors = 1, .entries = 1},
    {.name = "cs1-mid-area-by-1", .chunk_sectors = 1, .entries = 20, .window_entries_max = 1},
    {.name = "cs1-one-area-by-3", .chunk_sectors = 1, .entries = 32, .window_entries_max = 3},
    {.name = "cs1-two-areas-by-8", .chunk_sectors = 1, .entries = 64, .window_entries_max = 8},
    {.name = "cs1-three-areas-by-31", .chunk_sectors = 1, .entries = 90, .window_entries_max = 31},
    {.name = "cs1-three-areas-by-32", .chunk_sectors = 1, .entries = 90, .window_entries_max = 32},
    {.name = "cs1-exact-areas-by-33", .chunk_sectors = 1, .entries = 96, .window_entries_max = 33},
    {.name = "cs1-four-areas-by-40", .chunk_sectors = 1, .entries = 120, .window_entries_max = 40},
    {.name = "cs1-four-areas-at-once", .chunk_sectors = 1, .entries = 101},
    /* Every subset of 16 sectors: of one window, of an area and its data, of two chunks. */
    {.name = "cs1-exhaustive-16", .chunk_sectors = 1, .entries = 16, .exhaustive = true},
    {.name = "cs1-exhaustive-by-11", .chunk_sectors = 1, .entries = 75, .window_entries_max = 11, .exhaustive = true},
    {.name = "cs2-exhaustive-by-5", .chunk_sectors = 2, .entries = 68, .window_entries_max = 5, .exhaustive = true},
    {.name = "cs8-exhaustive-16", .chunk_sectors = 8, .entries = 2, .exhaustive = true},
    {.name = "cs8-exhaustive-odd", .chunk_sectors = 8, .entries = 7, .window_entries_max = 1, .exhaustive = true,
     .origin_sectors_short = 3},
    {.name = "cs1-shuffled", .chunk_sectors = 1, .entries = 75, .window_entries_max = 33, .order = ORDER_SHUFFLED},
    {.name = "cs1-holes", .chunk_sectors = 1, .entries = 75, .window_entries_max = 40, .order = ORDER_HOLES},
    {.name = "cs1-stale-merged", .chunk_sectors = 1, .entries = 40, .window_entries_max = 8, .stale = STALE_MERGED,
     .stale_entries = 85},
    {.name = "cs1-stale-foreign", .chunk_sectors = 1, .entries = 70, .window_entries_max = 33,
     .stale = STALE_FOREIGN},
    {.name = "cs1-merged-repeated", .chunk_sectors = 1, .entries = 0, .stale = STALE_MERGED, .stale_entries = 110},
    {.name = "cs1-read-ahead", .chunk_sectors = 1, .entries = 75, .window_entries_max = 8, .read_ahead = true},
    /* Of two: areas and chunks can tear. */
    {.name = "cs2-by-3", .chunk_sectors = 2, .entries = 70, .window_entries_max = 3},
    {.name = "cs2-by-40", .chunk_sectors = 2, .entries = 150, .window_entries_max = 40},
    {.name = "cs2-four-areas-at-once", .chunk_sectors = 2, .entries = 200},
    {.name = "cs2-exact-areas-by-65", .chunk_sectors = 2, .entries = 192, .window_entries_max = 65},
    {.name = "cs2-odd-origin", .chunk_sectors = 2, .entries = 66, .window_entries_max = 5,
     .origin_sectors_short = 1},
    {.name = "cs2-stale-merged", .chunk_sectors = 2, .entries = 10, .window_entries_max = 4, .stale = STALE_MERGED,
     .stale_entries = 200},
    /* Of eight, as LVM. */
    {.name = "cs8-by-1", .chunk_sectors = 8, .entries = 6, .window_entries_max = 1},
    {.name = "cs8-mid-area-by-31", .chunk_sectors = 8, .entries = 60, .window_entries_max = 31},
    {.name = "cs8-odd-origin", .chunk_sectors = 8, .entries = 9, .window_entries_max = 1, .origin_sectors_short = 5},
    {.name = "cs8-two-areas-by-257", .chunk_sectors = 8, .entries = 300, .window_entries_max = 257},
    {.name = "cs8-block-4096", .chunk_sectors = 8, .entries = 270, .window_entries_max = 33,
     .cow_block_bytes = 4096, .long_only = true},
    {.name = "cs8-read-ahead", .chunk_sectors = 8, .entries = 40, .window_entries_max = 16, .read_ahead = true,
     .order = ORDER_SHUFFLED},
    /* A chunk larger than the buffer, whose last slice lies behind the origin's end. */
    {.name = "sliced-chunk", .chunk_sectors = 16384, .entries = 1, .origin_sectors_short = 15000, .samples = 4},
    /* The COW is kept: nothing is cut, and the progress is in a side file that may be stale or forged. */
    {.name = "cs1-keep-cow-exhaustive-12", .chunk_sectors = 1, .entries = 24, .window_entries_max = 12,
     .keep_cow = true, .compare_from = UINT64_MAX, .exhaustive = true},
    {.name = "cs2-keep-cow", .chunk_sectors = 2, .entries = 70, .window_entries_max = 24, .keep_cow = true,
     .compare_from = UINT64_MAX, .origin_sectors_short = 1},
    {.name = "cs2-keep-cow-compared", .chunk_sectors = 2, .entries = 70, .window_entries_max = 9, .keep_cow = true,
     .merged_entries = 31},
    {.name = "cs8-keep-cow", .chunk_sectors = 8, .entries = 12, .window_entries_max = 1, .keep_cow = true,
     .merged_entries = 2, .compare_from = 5},
    {.name = "cs2-keep-cow-killed", .chunk_sectors = 2, .entries = 40, .window_entries_max = 12, .keep_cow = true,
     .compare_from = UINT64_MAX, .event = EVENT_KILL},
    {.name = "cs1-keep-cow-stopped", .chunk_sectors = 1, .entries = 40, .window_entries_max = 12, .keep_cow = true,
     .merged_entries = 20, .event = EVENT_STOP, .read_ahead = true},
    {.name = "cs2-keep-cow-origin-read-fails", .chunk_sectors = 2, .entries = 40, .window_entries_max = 12,
     .keep_cow = true, .merged_entries = 12, .event = EVENT_ORIGIN_READ},
    {.name = "cs2-keep-cow-origin-write-fails", .chunk_sectors = 2, .entries = 40, .window_entries_max = 12,
     .keep_cow = true, .event = EVENT_ORIGIN_WRITE},
    {.name = "cs2-keep-cow-origin-flush-fails", .chunk_sectors = 2, .entries = 40, .window_entries_max = 12,
     .keep_cow = true, .event = EVENT_ORIGIN_FLUSH},
    /* Things go wrong. */
    {.name = "cs1-killed-at-the-end", .chunk_sectors = 1, .entries = 1, .event = EVENT_KILL},
    {.name = "cs2-killed-in-a-cut", .chunk_sectors = 2, .entries = 33, .window_entries_max = 1, .event = EVENT_KILL},
    {.name = "cs1-killed", .chunk_sectors = 1, .entries = 40, .window_entries_max = 6, .event = EVENT_KILL},
    {.name = "cs2-killed", .chunk_sectors = 2, .entries = 70, .window_entries_max = 24, .event = EVENT_KILL},
    {.name = "cs1-stopped", .chunk_sectors = 1, .entries = 75, .window_entries_max = 32, .event = EVENT_STOP},
    {.name = "cs1-stopped-read-ahead", .chunk_sectors = 1, .entries = 75, .window_entries_max = 32,
     .event = EVENT_STOP, .read_ahead = true},
    {.name = "cs2-origin-write-fails", .chunk_sectors = 2, .entries = 70, .window_entries_max = 6,
     .event = EVENT_ORIGIN_WRITE},
    {.name = "cs2-origin-flush-fails", .chunk_sectors = 2, .entries = 70, .window_entries_max = 6,
     .event = EVENT_ORIGIN_FLUSH},
    {.name = "cs1-cow-read-fails", .chunk_sectors = 1, .entries = 75, .window_entries_max = 8,
     .event = EVENT_COW_READ},
    {.name = "cs2-cow-write-fails", .chunk_sectors = 2, .entries = 70, .window_entries_max = 6,
     .event = EVENT_COW_WRITE},
    {.name = "cs2-cow-flush-fails", .chunk_sectors = 2, .entries = 70, .window_entries_max = 6,
     .event = EVENT_COW_FLUSH},
    {.name = "cs2-several-loads", .chunk_sectors = 2, .entries = 150, .load_entries_max = 20},
    {.name = "cs8-several-loads", .chunk_sectors = 8, .entries = 300, .load_entries_max = 70, .read_ahead = true,
     .long_only = true},
    {.name = "cs2-several-loads-killed", .chunk_sectors = 2, .entries = 100, .load_entries_max = 25,
     .event = EVENT_KILL},
    {.name = "cs2-several-loads-stopped", .chunk_sectors = 2, .entries = 100, .load_entries_max = 25,
     .event = EVENT_STOP},
    {.name = "cs2-several-loads-read-fails", .chunk_sectors = 2, .entries = 100, .load_entries_max = 25,
     .event = EVENT_COW_READ},
    {.name = "cs2-several-loads-flush-fails", .chunk_sectors = 2, .entries = 100, .load_entries_max = 25,
     .event = EVENT_ORIGIN_FLUSH},
    {.name = "cs1-list-changes", .chunk_sectors = 1, .entries = 75, .window_entries_max = 32, .event = EVENT_TAMPER},
    /* Long form only. */
    {.name = "cs1-exhaustive-by-16", .chunk_sectors = 1, .entries = 80, .window_entries_max = 16, .exhaustive = true,
     .long_only = true},
    {.name = "cs8-exhaustive-2", .chunk_sectors = 8, .entries = 10, .window_entries_max = 2, .exhaustive = true,
     .long_only = true},
    {.name = "cs128-by-1", .chunk_sectors = 128, .entries = 8, .window_entries_max = 1, .long_only = true},
    {.name = "cs128-odd-origin", .chunk_sectors = 128, .entries = 30, .window_entries_max = 9,
     .origin_sectors_short = 77, .long_only = true},
    {.name = "cs8-killed", .chunk_sectors = 8, .entries = 36, .window_entries_max = 5, .event = EVENT_KILL,
     .long_only = true},
    {.name = "cs2-killed-odd-origin", .chunk_sectors = 2, .entries = 130, .window_entries_max = 30,
     .event = EVENT_KILL, .origin_sectors_short = 1, .long_only = true},
    {.name = "cs8-block-4096-killed", .chunk_sectors = 8, .entries = 260, .window_entries_max = 60,
     .cow_block_bytes = 4096, .event = EVENT_KILL, .long_only = true},
    {.name = "cs2-stale-merged-killed", .chunk_sectors = 2, .entries = 30, .window_entries_max = 8,
     .event = EVENT_KILL, .stale = STALE_MERGED, .stale_entries = 200, .long_only = true},
};

const struct workload *workload_table(size_t *count)
{
    *count = sizeof table / sizeof table[0];
    return table;
}

bool workload_matrix(size_t index, struct workload *workload, char *name)
{
    static const uint32_t chunk_sectors[] = {1, 2, 8};
    static const char *const orders[] = {"canonical", "shuffled", "holes"};
    static const int64_t lengths[] = {-1, 0, 1, 9}; /* from two full areas on */
    /* From index 6: added to one or two EPA. */
    static const int64_t windows[] = {1, 3, 31, 32, 33, 40, -1, 0, 1, 10000};
    size_t window = index % 10, length = index / 10 % 4, order = index / 40 % 3, size = index / 120;
    int64_t per_area;

    if (size >= sizeof chunk_sectors / sizeof chunk_sectors[0])
        return false;
    per_area = chunk_sectors[size] * 32;
    *workload = (struct workload){
        .name = name,
        .chunk_sectors = chunk_sectors[size],
        .entries = (uint64_t)(per_area * (size == 2 ? 1 : 2) + lengths[length]),
        .window_entries_max = (uint64_t)(windows[window] + (window >= 6 ? per_area * (size == 0 ? 2 : 1) : 0)),
        .order = (enum workload_order)order,
    };
    (void)snprintf(name, 64, "cs%u-%u-%s-by-%u", (unsigned)workload->chunk_sectors, (unsigned)workload->entries,
                   orders[order], (unsigned)workload->window_entries_max);
    return true;
}

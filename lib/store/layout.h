/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where things stand in a store: pure arithmetic on areas, slots, chunks and capacity (dmsnap-store(5), CAPACITY). */
#ifndef DMSNAP_STORE_LAYOUT
#define DMSNAP_STORE_LAYOUT

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

#define SNAP_CHUNK_SECTORS_MAX 2097152u /* 1 GiB; more is "too high" for the kernel (dmsnap-store(5), HEADER) */
#define SNAP_FIRST_DATA_CHUNK 2u

struct snap_layout {
    uint32_t chunk_sectors;     /* a power of two, 1..SNAP_CHUNK_SECTORS_MAX */
    uint64_t chunk_bytes;
    uint32_t entries_per_area;  /* EPA */
    uint64_t cow_sectors;       /* size of the COW device, not rounded */
    uint64_t cow_chunks;        /* C: whole chunks on it */
};

/* Whether the kernel takes this chunk size at all, whatever the device. */
bool snap_layout_chunk_sectors_valid(uint64_t chunk_sectors);

/* Fills *layout. SNAP_E_USAGE: not a valid chunk size. A COW too small for an area is fine here (cow_chunks < 2). */
enum snap_status snap_layout_init(struct snap_layout *layout, uint64_t chunk_sectors, uint64_t cow_sectors,
                                  struct snap_error *err);

/* Chunk that holds metadata area `area`. Saturates at UINT64_MAX where it would overflow. */
uint64_t snap_layout_area_chunk(const struct snap_layout *layout, uint64_t area);

/* True for chunks that hold a metadata area (n mod STRIDE == 1). */
bool snap_layout_is_area_chunk(const struct snap_layout *layout, uint64_t chunk);

/* The area that the chunk holds; the chunk must hold one. */
uint64_t snap_layout_area_of_chunk(const struct snap_layout *layout, uint64_t chunk);

/* True for the chunks of the device that can hold data: whole, and neither header nor area. */
bool snap_layout_is_data_chunk(const struct snap_layout *layout, uint64_t chunk);

/* How many data chunks lie in front of `chunk`, which is at least SNAP_FIRST_DATA_CHUNK. */
uint64_t snap_layout_data_chunks_before(const struct snap_layout *layout, uint64_t chunk);

/* The first area behind the one in which a list of `entries` entries ends. */
uint64_t snap_layout_area_behind(const struct snap_layout *layout, uint64_t entries);

/* Number of areas that lie wholly on the device. */
uint64_t snap_layout_areas_on_device(const struct snap_layout *layout);

/* The data chunk that kernels since 3.13 give to the entry at `index` (dmsnap-store(5), ALLOCATION). index < 2^55. */
uint64_t snap_layout_canonical_chunk(const struct snap_layout *layout, uint64_t index);

/*
 * Where the next entry's data go, as the kernel computes it at load (dmsnap-store(5), LOADING): from the highest chunk
 * in use (0 for an empty list).
 */
uint64_t snap_layout_next_free(const struct snap_layout *layout, uint64_t highest_new_chunk);

/* The entries that the device can hold, less one for rule exact-fit (dmsnap-store(5), CAPACITY). 0 below 3 chunks. */
uint64_t snap_layout_capacity_entries(const struct snap_layout *layout);

/*
 * Entries that the kernel can still add to a store of `entries` entries after load: data chunks from next_free to the
 * device's end, but no more than there are slots for; the last slot stays free, since a full area needs another one
 * behind it (dmsnap-store(5), CAPACITY). For an empty store: the capacity.
 */
uint64_t snap_layout_free_entries(const struct snap_layout *layout, uint64_t entries, uint64_t highest_new_chunk);

/* True where the last data chunk cannot be used (rule exact-fit). */
bool snap_layout_exact_fit_trap(const struct snap_layout *layout);

/*
 * COW chunks that hold `entries` entries and can never overflow by them (LVM2's formula: dmsnap-store(5), CAPACITY).
 * False where the number does not fit.
 */
bool snap_layout_chunks_for_entries(uint32_t entries_per_area, uint64_t entries, uint64_t *chunks);

/* Chunks of an origin, a partial last one counted. */
uint64_t snap_layout_origin_chunks(const struct snap_layout *layout, uint64_t origin_sectors);

/* The three figures of the kernel's status line (dmsnap-store(5), TABLE AND STATUS LINES), in sectors. */
struct snap_usage {
    uint64_t allocated_sectors;
    uint64_t total_sectors;
    uint64_t metadata_sectors;
};

/* For a valid store of `entries` entries after load, as the kernel reports it. */
void snap_layout_usage(const struct snap_layout *layout, uint64_t entries, uint64_t highest_new_chunk,
                       struct snap_usage *usage);

#endif

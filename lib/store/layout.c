/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The formulas of areas and capacity. */
#include "lib/store/layout.h"

#include "lib/base/arith.h"
#include "lib/base/bytes.h"
#include "lib/store/codec.h"

#include <inttypes.h>

static uint64_t stride(const struct snap_layout *layout)
{
    return (uint64_t)layout->entries_per_area + 1;
}

bool snap_layout_chunk_sectors_valid(uint64_t chunk_sectors)
{
    return snap_is_pow2(chunk_sectors) && chunk_sectors <= SNAP_CHUNK_SECTORS_MAX;
}

enum snap_status snap_layout_init(struct snap_layout *layout, uint64_t chunk_sectors, uint64_t cow_sectors,
                                  struct snap_error *err)
{
    if (!snap_layout_chunk_sectors_valid(chunk_sectors))
        return snap_fail(err, SNAP_E_USAGE,
                         "chunk size of %" PRIu64 " sectors; it must be a power of two from 1 to %u", chunk_sectors,
                         SNAP_CHUNK_SECTORS_MAX);
    layout->chunk_sectors = (uint32_t)chunk_sectors;
    layout->chunk_bytes = chunk_sectors * SNAP_SECTOR_BYTES;
    layout->entries_per_area = (uint32_t)(layout->chunk_bytes / SNAP_ENTRY_BYTES);
    layout->cow_sectors = cow_sectors;
    layout->cow_chunks = cow_sectors / chunk_sectors;
    return SNAP_OK;
}

uint64_t snap_layout_area_chunk(const struct snap_layout *layout, uint64_t area)
{
    uint64_t chunk;

    return snap_mul(area, stride(layout), &chunk) && snap_add(chunk, 1, &chunk) ? chunk : UINT64_MAX;
}

bool snap_layout_is_area_chunk(const struct snap_layout *layout, uint64_t chunk)
{
    return chunk % stride(layout) == 1;
}

uint64_t snap_layout_area_of_chunk(const struct snap_layout *layout, uint64_t chunk)
{
    return chunk / stride(layout);
}

bool snap_layout_is_data_chunk(const struct snap_layout *layout, uint64_t chunk)
{
    return chunk >= SNAP_FIRST_DATA_CHUNK && chunk < layout->cow_chunks && !snap_layout_is_area_chunk(layout, chunk);
}

uint64_t snap_layout_data_chunks_before(const struct snap_layout *layout, uint64_t chunk)
{
    const uint64_t behind_area_0 = chunk - SNAP_FIRST_DATA_CHUNK;

    return behind_area_0 - behind_area_0 / stride(layout);
}

uint64_t snap_layout_area_behind(const struct snap_layout *layout, uint64_t entries)
{
    return entries / layout->entries_per_area + 1;
}

uint64_t snap_layout_areas_on_device(const struct snap_layout *layout)
{
    return layout->cow_chunks < 2 ? 0 : (layout->cow_chunks - 2) / stride(layout) + 1;
}

uint64_t snap_layout_canonical_chunk(const struct snap_layout *layout, uint64_t index)
{
    return SNAP_FIRST_DATA_CHUNK + index + index / layout->entries_per_area;
}

uint64_t snap_layout_next_free(const struct snap_layout *layout, uint64_t highest_new_chunk)
{
    uint64_t next = snap_max(SNAP_FIRST_DATA_CHUNK, highest_new_chunk + 1);

    return snap_layout_is_area_chunk(layout, next) ? next + 1 : next;
}

/* All data chunks of the device. */
static uint64_t data_chunks(const struct snap_layout *layout)
{
    return snap_layout_data_chunks_before(layout, snap_max(layout->cow_chunks, SNAP_FIRST_DATA_CHUNK));
}

uint64_t snap_layout_free_entries(const struct snap_layout *layout, uint64_t entries, uint64_t highest_new_chunk)
{
    /* A broken entry may name the highest number of all, behind which the count starts anew. */
    const uint64_t next_free = snap_layout_next_free(layout, snap_min(highest_new_chunk, layout->cow_chunks));
    const uint64_t slots = snap_layout_areas_on_device(layout) * layout->entries_per_area;

    /* The last slot of all ends the list. An entry that is there twice takes two slots, but one data chunk. */
    if (next_free >= layout->cow_chunks || entries + 1 >= slots)
        return 0;
    return snap_min(data_chunks(layout) - snap_layout_data_chunks_before(layout, next_free), slots - 1 - entries);
}

bool snap_layout_exact_fit_trap(const struct snap_layout *layout)
{
    uint64_t data = data_chunks(layout);

    return data > 0 && data % layout->entries_per_area == 0 &&
           snap_layout_area_chunk(layout, data / layout->entries_per_area) >= layout->cow_chunks;
}

uint64_t snap_layout_capacity_entries(const struct snap_layout *layout)
{
    return data_chunks(layout) - (snap_layout_exact_fit_trap(layout) ? 1 : 0);
}

bool snap_layout_chunks_for_entries(uint32_t entries_per_area, uint64_t entries, uint64_t *chunks)
{
    uint64_t areas;

    if (!snap_add(entries, entries_per_area, &areas))
        return false;
    areas /= entries_per_area;
    return snap_add(entries, areas, chunks) && snap_add(*chunks, 1, chunks);
}

uint64_t snap_layout_origin_chunks(const struct snap_layout *layout, uint64_t origin_sectors)
{
    return snap_div_up(origin_sectors, layout->chunk_sectors);
}

void snap_layout_usage(const struct snap_layout *layout, uint64_t entries, uint64_t highest_new_chunk,
                       struct snap_usage *usage)
{
    /* 64-bit products that wrap exactly where the kernel's wrap (dmsnap-store(5), WHAT THE KERNEL DOES NOT CHECK). */
    usage->allocated_sectors = snap_layout_next_free(layout, highest_new_chunk) * layout->chunk_sectors;
    usage->total_sectors = layout->cow_sectors;
    usage->metadata_sectors = (entries / layout->entries_per_area + 2) * layout->chunk_sectors;
}

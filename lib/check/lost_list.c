/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where no header is, looks for the list of a store that stands behind it all the same. */
#include "lib/check/lost_list.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/store/codec.h"
#include "lib/store/layout.h"

#define LOOKED_AT_BYTES 4096u /* of area 0; an area of 512 bytes has 32 entries, all others 64 or more */
#define FEW_ENTRIES 16u       /* fewer of them must be in place, with zeros behind them */
#define OUT_OF_ORDER 8u       /* kernels before 3.13 finished so many copies at a time in any order ... */
#define LOST_OF 4u            /* ... and lost chunks at each crash: one of so many */

static struct snap_entry entry_at(const uint8_t *bytes, uint32_t i)
{
    struct snap_entry entry;

    snap_codec_decode_entry(bytes + (size_t)i * SNAP_ENTRY_BYTES, &entry);
    return entry;
}

/* Whether an entry of a list can look like this at all. */
static bool is_possible(const struct snap_layout *layout, const struct snap_entry *entry)
{
    return snap_layout_is_data_chunk(layout, entry->new_chunk) &&
           entry->old_chunk < (uint64_t)INT64_MAX / layout->chunk_bytes;
}

/* Two entries for one chunk, or with one data chunk, are no list; the same entry once more is left by a move. */
static bool are_distinct(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        const struct snap_entry entry = entry_at(bytes, i);

        for (uint32_t k = 0; k < i; k++) {
            const struct snap_entry other = entry_at(bytes, k);

            if ((entry.old_chunk == other.old_chunk) != (entry.new_chunk == other.new_chunk))
                return false;
        }
    }
    return true;
}

/* The data chunks are those that so many entries need, though not in their order. */
static bool is_dense(const struct snap_layout *layout, uint32_t entries, uint64_t highest_new_chunk)
{
    return entries >= FEW_ENTRIES &&
           highest_new_chunk <= snap_layout_canonical_chunk(layout, entries - 1) + entries / LOST_OF + OUT_OF_ORDER;
}

/* Judges the beginning of what would be area 0, `slots` entries of it. */
static bool is_list(const struct snap_layout *layout, const uint8_t *bytes, uint32_t slots, struct snap_lost_list *lost)
{
    uint32_t entries = 0, in_place = 0;
    uint64_t highest_new_chunk = 0;
    bool zeros_behind;

    for (; entries < slots; entries++) {
        const struct snap_entry entry = entry_at(bytes, entries);

        if (entry.new_chunk == 0)
            break;
        if (!is_possible(layout, &entry))
            return false;
        in_place += entry.new_chunk == snap_layout_canonical_chunk(layout, entries);
        highest_new_chunk = snap_max(highest_new_chunk, entry.new_chunk);
    }
    zeros_behind = snap_all_zero(bytes + (size_t)entries * SNAP_ENTRY_BYTES,
                                 (uint64_t)(slots - entries) * SNAP_ENTRY_BYTES);
    if (entries == 0 || (entries < FEW_ENTRIES && (in_place < entries || !zeros_behind)))
        return false;
    if (in_place < entries - entries / LOST_OF && !is_dense(layout, entries, highest_new_chunk))
        return false;
    *lost = (struct snap_lost_list){
        .chunk_sectors = layout->chunk_sectors, .seen_entries = entries, .in_place = in_place};
    return are_distinct(bytes, entries);
}

/*
 * Counts the entries of the list, a buffer at a time, up to its end or to what is counted at most. An entry that is
 * none, or what cannot be read, ends the count: then nobody knows how many there are.
 */
static void count_entries(struct snap_io *io, const struct snap_layout *layout, uint8_t *buffer,
                          struct snap_lost_list *lost)
{
    while (lost->entries < SNAP_LOST_LIST_ENTRIES_MAX) {
        const uint64_t area_chunk =
            snap_layout_area_chunk(layout, lost->entries / layout->entries_per_area);
        const uint64_t slot = lost->entries % layout->entries_per_area;
        const uint32_t slots =
            (uint32_t)snap_min(LOOKED_AT_BYTES / SNAP_ENTRY_BYTES, layout->entries_per_area - slot);

        if (area_chunk >= layout->cow_chunks ||
            snap_io_read(io, area_chunk * layout->chunk_bytes + slot * SNAP_ENTRY_BYTES,
                         (uint64_t)slots * SNAP_ENTRY_BYTES, buffer, NULL) != SNAP_OK)
            return;
        for (uint32_t i = 0; i < slots; i++) {
            const struct snap_entry entry = entry_at(buffer, i);

            lost->all = entry.new_chunk == 0;
            if (lost->all || !is_possible(layout, &entry))
                return;
            lost->entries++;
        }
    }
}

enum snap_status snap_lost_list_find(struct snap_io *io, struct snap_lost_list *lost, struct snap_error *err)
{
    uint8_t *buffer = snap_buffer_new(LOOKED_AT_BYTES);
    struct snap_layout layout;

    *lost = (struct snap_lost_list){.chunk_sectors = 0};
    if (!buffer)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory looking for a list", io->name);
    for (uint32_t chunk_sectors = 1; chunk_sectors <= SNAP_CHUNK_SECTORS_MAX; chunk_sectors *= 2) {
        const uint64_t length_bytes = snap_min((uint64_t)chunk_sectors * SNAP_SECTOR_BYTES, LOOKED_AT_BYTES);
        struct snap_lost_list found;

        if (snap_layout_init(&layout, chunk_sectors, io->size_bytes / SNAP_SECTOR_BYTES, NULL) != SNAP_OK ||
            layout.cow_chunks <= SNAP_FIRST_DATA_CHUNK)
            break;
        if (snap_io_read(io, layout.chunk_bytes, length_bytes, buffer, NULL) == SNAP_OK &&
            is_list(&layout, buffer, (uint32_t)(length_bytes / SNAP_ENTRY_BYTES), &found) &&
            found.seen_entries > lost->seen_entries)
            *lost = found;
    }
    if (lost->chunk_sectors > 0 &&
        snap_layout_init(&layout, lost->chunk_sectors, io->size_bytes / SNAP_SECTOR_BYTES, NULL) == SNAP_OK)
        count_entries(io, &layout, buffer, lost);
    snap_buffer_free(buffer);
    return SNAP_OK;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where no header is, looks for the list of a store that stands behind it all the same. */
#include "lib/check/lost_list.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/store/codec.h"
#include "lib/store/layout.h"

#define LOOKED_AT_BYTES 4096u /* of area 0; an area of 512 bytes has 32 entries, all others 64 or more */
#define FEW_ENTRIES 16u       /* fewer of them must have zeros behind them */
#define OUT_OF_ORDER 8u       /* kernels before 3.13 finished so many copies at a time in any order ... */
#define LOST_OF 4u            /* ... and lost chunks at each crash: one of so many */
#define OUT_OF_PLACE_OF 4u    /* one of so many entries may be anywhere while all others are in their place */
#define DAMAGED_OF 16u        /* where the order is another one, no more than one of so many may be damaged */
#define LATER_AREAS 8u        /* so many areas behind area 0 are looked at */
#define MAJORITY 4u           /* what speaks for a chunk size is so many times as much as for the next */

static struct snap_entry entry_at(const uint8_t *bytes, uint32_t i)
{
    struct snap_entry entry;

    snap_codec_decode_entry(bytes + (size_t)i * SNAP_ENTRY_BYTES, &entry);
    return entry;
}

static bool is_in_place(const struct snap_layout *layout, const struct snap_entry *entry, uint64_t index)
{
    return entry->new_chunk == snap_layout_canonical_chunk(layout, index);
}

/*
 * Whether an entry of a list can look like this at all. One that is in its place may lie behind the end of the device:
 * that was cut.
 */
static bool is_possible(const struct snap_layout *layout, const struct snap_entry *entry, uint64_t index)
{
    return (is_in_place(layout, entry, index) || snap_layout_is_data_chunk(layout, entry->new_chunk)) &&
           entry->old_chunk < (uint64_t)INT64_MAX / layout->chunk_bytes;
}

/*
 * Two entries for one chunk, or with one data chunk, are no list; the same entry once more is left by a move. Of the
 * two the one that is in its place is believed, and of two in their place the first.
 */
static bool is_contradicted(const struct snap_layout *layout, const uint8_t *bytes, uint32_t count, uint32_t i)
{
    const struct snap_entry entry = entry_at(bytes, i);
    const bool in_place = is_in_place(layout, &entry, i);

    for (uint32_t k = 0; k < count; k++) {
        const struct snap_entry other = entry_at(bytes, k);
        const bool other_in_place = is_in_place(layout, &other, k);

        if (k != i && (entry.old_chunk == other.old_chunk) != (entry.new_chunk == other.new_chunk) &&
            (other_in_place > in_place || (other_in_place == in_place && k < i)))
            return true;
    }
    return false;
}

/* Judges the first `entries` slots of area 0: are most of them a list, in the order in which kernels give chunks? */
static bool is_list(const struct snap_layout *layout, const uint8_t *bytes, uint32_t entries,
                    struct snap_lost_list *lost)
{
    const uint64_t dense_end = snap_layout_canonical_chunk(layout, snap_max(entries, 1) - 1) + entries / LOST_OF +
                               OUT_OF_ORDER;
    uint32_t in_place = 0, against = 0, far_off = 0;

    for (uint32_t i = 0; i < entries; i++) {
        const struct snap_entry entry = entry_at(bytes, i);

        if (!is_possible(layout, &entry, i) || is_contradicted(layout, bytes, entries, i))
            against++;
        else if (is_in_place(layout, &entry, i))
            in_place++;
        else
            far_off += entry.new_chunk > dense_end;
    }
    *lost = (struct snap_lost_list){.chunk_sectors = layout->chunk_sectors,
                                    .seen_entries = entries,
                                    .in_place = in_place,
                                    .against = against};
    return entries > 0 && (in_place >= entries - entries / OUT_OF_PLACE_OF ||
                           (entries >= FEW_ENTRIES && against + far_off <= entries / DAMAGED_OF));
}

/*
 * Looks at the beginning of what would be area 0. A list ends at its first empty slot; where that slot is what was
 * damaged, the entries behind it go on to the last one that is there.
 */
static bool is_area(const struct snap_layout *layout, const uint8_t *bytes, uint32_t slots, struct snap_lost_list *lost)
{
    uint32_t end = 0, last = slots;

    while (end < slots && entry_at(bytes, end).new_chunk != 0)
        end++;
    while (last > 0 && snap_all_zero(bytes + (size_t)(last - 1) * SNAP_ENTRY_BYTES, SNAP_ENTRY_BYTES))
        last--;
    if ((end == last || end >= FEW_ENTRIES) && is_list(layout, bytes, end, lost))
        return true;
    return last > end && is_list(layout, bytes, last, lost);
}

/* So much speaks for this list. */
static uint64_t weight(const struct snap_lost_list *lost)
{
    return lost->seen_entries - lost->against;
}

/*
 * Counts the entries of the list, a buffer at a time, up to its end or to what is counted at most. Where more of them
 * are none than now and then, or where nothing can be read, the count ends: then nobody knows how many there are.
 */
static void count_entries(struct snap_io *io, const struct snap_layout *layout, uint8_t *buffer,
                          struct snap_lost_list *lost)
{
    while (!lost->all && lost->entries < SNAP_LOST_LIST_ENTRIES_MAX) {
        const uint64_t area_chunk =
            snap_layout_area_chunk(layout, lost->entries / layout->entries_per_area);
        const uint64_t slot = lost->entries % layout->entries_per_area;
        const uint32_t slots =
            (uint32_t)snap_min(LOOKED_AT_BYTES / SNAP_ENTRY_BYTES, layout->entries_per_area - slot);
        uint32_t live = 0, damaged = 0;

        if (area_chunk >= layout->cow_chunks ||
            snap_io_read(io, area_chunk * layout->chunk_bytes + slot * SNAP_ENTRY_BYTES,
                         (uint64_t)slots * SNAP_ENTRY_BYTES, buffer, NULL) != SNAP_OK)
            return;
        for (; live < slots; live++) {
            const struct snap_entry entry = entry_at(buffer, live);

            if (entry.new_chunk == 0)
                break;
            damaged += !is_possible(layout, &entry, lost->entries + live);
        }
        if (damaged > live / OUT_OF_PLACE_OF + 1)
            return;
        lost->entries += live;
        lost->all = live < slots;
    }
}

/* All that stands there by the first entries; what is behind an empty slot among them is not counted. */
static void count_all(struct snap_io *io, const struct snap_layout *layout, uint8_t *buffer,
                      struct snap_lost_list *lost)
{
    count_entries(io, layout, buffer, lost);
    if (lost->entries >= lost->seen_entries)
        return;
    lost->entries = lost->seen_entries - lost->against;
    lost->all = false;
}

bool snap_lost_list_origin_byte(struct snap_io *io, const struct snap_lost_list *lost, uint64_t cow_byte,
                                uint64_t *origin_byte)
{
    const uint64_t chunk_bytes = (uint64_t)lost->chunk_sectors * SNAP_SECTOR_BYTES;
    const uint64_t length_bytes = snap_min(chunk_bytes, LOOKED_AT_BYTES);
    uint8_t *buffer = snap_buffer_new(LOOKED_AT_BYTES);
    bool found = false;

    if (buffer && snap_io_read(io, chunk_bytes, length_bytes, buffer, NULL) == SNAP_OK)
        for (uint32_t i = 0; i < lost->seen_entries && !found; i++) {
            const struct snap_entry entry = entry_at(buffer, i);

            found = entry.new_chunk >= SNAP_FIRST_DATA_CHUNK && entry.new_chunk == cow_byte / chunk_bytes &&
                    entry.old_chunk < (uint64_t)INT64_MAX / chunk_bytes;
            *origin_byte = entry.old_chunk * chunk_bytes + cow_byte % chunk_bytes;
        }
    snap_buffer_free(buffer);
    return found;
}

/* Of two sizes that both make sense the one for which much more speaks; else the other one stays a rival. */
static void weigh(struct snap_lost_list *best, const struct snap_lost_list *found)
{
    const bool better = weight(found) > weight(best);
    const struct snap_lost_list *less = better ? best : found;
    const struct snap_lost_list more = better ? *found : *best;
    const uint64_t less_weight = weight(less);
    uint32_t rival = less_weight > 0 && less_weight * MAJORITY >= weight(&more) ? less->chunk_sectors
                     : better                                                  ? 0
                                                                               : best->rival_chunk_sectors;

    *best = more;
    best->rival_chunk_sectors = rival;
}

enum snap_status snap_lost_list_find(struct snap_io *io, uint32_t asked_chunk_sectors, struct snap_lost_list *lost,
                                     struct snap_error *err)
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
        if ((asked_chunk_sectors == 0 || chunk_sectors == asked_chunk_sectors) &&
            snap_io_read(io, layout.chunk_bytes, length_bytes, buffer, NULL) == SNAP_OK &&
            is_area(&layout, buffer, (uint32_t)(length_bytes / SNAP_ENTRY_BYTES), &found))
            weigh(lost, &found);
    }
    if (lost->chunk_sectors > 0 &&
        snap_layout_init(&layout, lost->chunk_sectors, io->size_bytes / SNAP_SECTOR_BYTES, NULL) == SNAP_OK)
        count_all(io, &layout, buffer, lost);
    snap_buffer_free(buffer);
    return SNAP_OK;
}

/* Where area 0 begins with zeros: the first area behind it that goes on as a list would. */
static bool find_later_area(struct snap_io *io, const struct snap_layout *layout, uint8_t *buffer,
                            struct snap_lost_list *found)
{
    const uint32_t length_bytes = (uint32_t)snap_min(layout->chunk_bytes, LOOKED_AT_BYTES);

    if (snap_io_read(io, layout->chunk_bytes, length_bytes, buffer, NULL) != SNAP_OK ||
        !snap_all_zero(buffer, length_bytes))
        return false;
    for (uint64_t area = 1; area <= LATER_AREAS && area < snap_layout_areas_on_device(layout); area++) {
        const uint64_t first = area * layout->entries_per_area;
        uint32_t seen = 0;

        *found = (struct snap_lost_list){.chunk_sectors = layout->chunk_sectors, .area = area};
        if (snap_io_read(io, snap_layout_area_chunk(layout, area) * layout->chunk_bytes, length_bytes, buffer, NULL) !=
            SNAP_OK)
            continue;
        for (; seen < length_bytes / SNAP_ENTRY_BYTES && entry_at(buffer, seen).new_chunk != 0; seen++) {
            const struct snap_entry entry = entry_at(buffer, seen);

            found->in_place += is_in_place(layout, &entry, first + seen);
            found->against += !is_possible(layout, &entry, first + seen);
        }
        found->seen_entries = seen;
        if (seen >= FEW_ENTRIES && found->in_place >= seen - seen / OUT_OF_PLACE_OF)
            return true;
    }
    return false;
}

enum snap_status snap_lost_list_find_later(struct snap_io *io, uint32_t asked_chunk_sectors,
                                           struct snap_lost_list *lost, struct snap_error *err)
{
    uint8_t *buffer = snap_buffer_new(LOOKED_AT_BYTES);
    struct snap_layout layout;
    uint64_t first;

    *lost = (struct snap_lost_list){.chunk_sectors = 0};
    if (!buffer)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory looking for a list", io->name);
    for (uint32_t chunk_sectors = 1; chunk_sectors <= SNAP_CHUNK_SECTORS_MAX; chunk_sectors *= 2) {
        struct snap_lost_list found;

        if (snap_layout_init(&layout, chunk_sectors, io->size_bytes / SNAP_SECTOR_BYTES, NULL) != SNAP_OK)
            break;
        if ((asked_chunk_sectors == 0 || chunk_sectors == asked_chunk_sectors) &&
            find_later_area(io, &layout, buffer, &found))
            weigh(lost, &found);
    }
    if (lost->chunk_sectors > 0 &&
        snap_layout_init(&layout, lost->chunk_sectors, io->size_bytes / SNAP_SECTOR_BYTES, NULL) == SNAP_OK) {
        first = lost->area * layout.entries_per_area;
        lost->entries = first; /* where the count begins */
        count_entries(io, &layout, buffer, lost);
        lost->entries -= first;
        if (lost->entries < lost->seen_entries) { /* chunks so large that nothing was counted */
            lost->entries = lost->seen_entries - lost->against;
            lost->all = false;
        }
        lost->gone_entries = first;
        lost->area_offset_bytes = snap_layout_area_chunk(&layout, lost->area) * layout.chunk_bytes;
    }
    snap_buffer_free(buffer);
    return SNAP_OK;
}

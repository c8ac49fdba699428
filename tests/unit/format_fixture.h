/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The format of a store, written down once more: places and bytes. None of the code under test has a part in it. */
#ifndef DMSNAP_TESTS_FORMAT_FIXTURE_H
#define DMSNAP_TESTS_FORMAT_FIXTURE_H

#include "lib/base/bytes.h"

#include <stdbool.h>
#include <stdint.h>

#define FORMAT_MAGIC 0x70416e53u

/* Entries in an area. */
static inline uint64_t format_per_area(uint64_t chunk_sectors)
{
    return 32 * chunk_sectors;
}

/* dmsnap-store(5), ENTRIES AND AREAS: area k is chunk 1 + (entries in an area + 1) * k. */
static inline uint64_t format_area_chunk(uint64_t chunk_sectors, uint64_t area)
{
    return 1 + (format_per_area(chunk_sectors) + 1) * area;
}

static inline uint64_t format_area_offset(uint64_t chunk_sectors, uint64_t area)
{
    return format_area_chunk(chunk_sectors, area) * chunk_sectors * 512;
}

static inline uint64_t format_entry_offset(uint64_t chunk_sectors, uint64_t index)
{
    return format_area_offset(chunk_sectors, index / format_per_area(chunk_sectors)) +
           index % format_per_area(chunk_sectors) * 16;
}

/* Where the kernel puts the data of this entry in a store that was never merged. */
static inline uint64_t format_canonical(uint64_t chunk_sectors, uint64_t index)
{
    return 2 + index + index / format_per_area(chunk_sectors);
}

static inline void format_put_header(uint8_t *cow, uint32_t magic, uint32_t valid, uint32_t version,
                                     uint32_t chunk_sectors)
{
    snap_put_le32(cow, magic);
    snap_put_le32(cow + 4, valid);
    snap_put_le32(cow + 8, version);
    snap_put_le32(cow + 12, chunk_sectors);
}

static inline void format_put_entry(uint8_t *cow, uint64_t chunk_sectors, uint64_t index, uint64_t old_chunk,
                                    uint64_t new_chunk)
{
    uint8_t *bytes = cow + format_entry_offset(chunk_sectors, index);

    snap_put_le64(bytes, old_chunk);
    snap_put_le64(bytes + 8, new_chunk);
}

/* Nothing but zeros stands behind the end of a list of this length, in its area. */
static inline bool format_zero_behind(const uint8_t *cow, uint64_t chunk_sectors, uint64_t length)
{
    const uint64_t end = (length / format_per_area(chunk_sectors) + 1) * format_per_area(chunk_sectors);

    for (uint64_t i = length; i < end; i++) {
        const uint8_t *bytes = cow + format_entry_offset(chunk_sectors, i);

        if ((snap_get_le64(bytes) | snap_get_le64(bytes + 8)) != 0)
            return false;
    }
    return true;
}

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The second reader: everything by dmsnap-store(5), ENTRIES AND AREAS, and LOADING; nothing by lib/. */
#include "tests/crash/reader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t little_endian(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;

    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

uint64_t reader_area_bytes(uint64_t chunk_bytes, uint64_t area)
{
    return (1 + area * (chunk_bytes / 16 + 1)) * chunk_bytes;
}

static uint64_t entry_at(const struct reader *reader, uint64_t index)
{
    return reader_area_bytes(reader->chunk_bytes, index / reader->per_area) + index % reader->per_area * 16;
}

void reader_entry(const struct reader *reader, uint64_t index, uint64_t *old_chunk, uint64_t *new_chunk)
{
    uint64_t at = entry_at(reader, index);

    *old_chunk = little_endian(reader->cow + at, 8);
    *new_chunk = little_endian(reader->cow + at + 8, 8);
}

/* Whether the origin holds an entry's data, as far as it reaches. */
static bool is_merged(const struct reader *reader, uint64_t old_chunk, uint64_t new_chunk)
{
    uint64_t at = old_chunk * reader->chunk_bytes;
    uint64_t length;

    if (old_chunk >= reader->origin_chunks)
        return false;
    length = reader->origin_bytes - at < reader->chunk_bytes ? reader->origin_bytes - at : reader->chunk_bytes;
    return memcmp(reader->origin + at, reader->cow + new_chunk * reader->chunk_bytes, (size_t)length) == 0;
}

bool reader_load(struct reader *reader, const char **why)
{
    reader->data_chunk = NULL;
    reader->entries = reader->merged_from = 0;
    *why = "the header is damaged";
    if (memcmp(reader->cow, "SnAp", 4) != 0 || little_endian(reader->cow + 4, 4) == 0 ||
        little_endian(reader->cow + 8, 4) != 1)
        return false;
    reader->chunk_bytes = little_endian(reader->cow + 12, 4) * 512;
    reader->per_area = reader->chunk_bytes / 16;
    if (reader->chunk_bytes == 0)
        return false;
    reader->origin_chunks = (reader->origin_bytes + reader->chunk_bytes - 1) / reader->chunk_bytes;
    reader->data_chunk = calloc((size_t)reader->origin_chunks + 1, sizeof *reader->data_chunk);
    if (!reader->data_chunk)
        abort();
    for (uint64_t index = 0;; index++) {
        uint64_t old_chunk, new_chunk;

        *why = "the list goes on past the end of the device";
        if (reader_area_bytes(reader->chunk_bytes, index / reader->per_area) >
            reader->cow_bytes - reader->chunk_bytes)
            return false;
        reader_entry(reader, index, &old_chunk, &new_chunk);
        if (new_chunk == 0)
            return true;
        *why = "a data chunk lies beyond the device";
        if (new_chunk >= reader->cow_bytes / reader->chunk_bytes)
            return false;
        reader->entries++;
        if (!is_merged(reader, old_chunk, new_chunk))
            reader->merged_from = reader->entries;
        if (old_chunk < reader->origin_chunks && reader->data_chunk[old_chunk] == 0)
            reader->data_chunk[old_chunk] = new_chunk; /* the first on disk counts */
    }
}

/* The end: nothing behind it in its area, the entry that ends it included. */
static bool ends_in_zeros(const struct reader *reader)
{
    uint64_t at = entry_at(reader, reader->entries);
    uint64_t area = reader->entries / reader->per_area;
    uint64_t end = reader_area_bytes(reader->chunk_bytes, area) + reader->chunk_bytes;

    for (; at < end; at++)
        if (reader->cow[at] != 0)
            return false;
    return true;
}

bool reader_sound(const struct reader *reader, bool repeats, const char **why)
{
    uint64_t *old_of = calloc((size_t)(reader->cow_bytes / reader->chunk_bytes) + 1, sizeof *old_of); /* + 1 */

    if (!old_of)
        abort();
    *why = ends_in_zeros(reader) ? NULL : "there is something behind the end of the list";
    for (uint64_t index = 0; index < reader->entries && !*why; index++) {
        uint64_t old_chunk, new_chunk;

        reader_entry(reader, index, &old_chunk, &new_chunk);
        if (new_chunk < 2 || new_chunk % (reader->per_area + 1) == 1)
            *why = "an entry has an area or the header as its data chunk";
        else if (old_chunk >= reader->origin_chunks)
            *why = "an entry's chunk lies beyond the origin";
        else if (old_of[new_chunk] != 0 && !(repeats && old_of[new_chunk] == old_chunk + 1))
            *why = "two entries have the same data chunk";
        else if (reader->data_chunk[old_chunk] != new_chunk)
            *why = "two entries have the same origin chunk";
        old_of[new_chunk] = old_chunk + 1;
    }
    free(old_of);
    return *why == NULL;
}

bool reader_has_entry(const struct reader *reader, uint64_t origin_at, uint64_t length_bytes)
{
    const uint64_t end = (origin_at + length_bytes + reader->chunk_bytes - 1) / reader->chunk_bytes;

    for (uint64_t chunk = origin_at / reader->chunk_bytes; chunk < end; chunk++)
        if (chunk < reader->origin_chunks && reader->data_chunk[chunk] != 0)
            return true;
    return false;
}

void reader_free(struct reader *reader)
{
    free(reader->data_chunk);
    reader->data_chunk = NULL;
}

bool reader_view_is(const struct reader *reader, const uint8_t *view, uint64_t *chunk)
{
    for (*chunk = 0; *chunk < reader->origin_chunks; (*chunk)++) {
        uint64_t at = *chunk * reader->chunk_bytes;
        uint64_t length = reader->origin_bytes - at < reader->chunk_bytes ? reader->origin_bytes - at
                                                                          : reader->chunk_bytes;
        const uint8_t *bytes = reader->data_chunk[*chunk]
                                   ? reader->cow + reader->data_chunk[*chunk] * reader->chunk_bytes
                                   : reader->origin + at;

        if (memcmp(bytes, view + at, (size_t)length) != 0)
            return false;
    }
    return true;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A second reader of stores for the crash explorer: walks the list as the kernel loads it; shares no code with lib/. */
#ifndef DMSNAP_TEST_CRASH_READER_H
#define DMSNAP_TEST_CRASH_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Two images in memory. */
struct reader {
    const uint8_t *cow;
    uint64_t cow_bytes;
    const uint8_t *origin;
    uint64_t origin_bytes;
    /* found by reader_load */
    uint64_t chunk_bytes;
    uint64_t per_area;
    uint64_t entries;       /* live */
    uint64_t *data_chunk;   /* per origin chunk: its data chunk, 0 for none */
    uint64_t origin_chunks;
    uint64_t merged_from;   /* the origin holds what the entries from this index on have */
};

/* False where the kernel would refuse the store; `why` says so. Free with reader_free in both cases. */
bool reader_load(struct reader *reader, const char **why);
void reader_free(struct reader *reader);

/* Whether V equals `view` (origin_bytes); else *chunk is the first origin chunk that differs. */
bool reader_view_is(const struct reader *reader, const uint8_t *view, uint64_t *chunk);

/* Entry `index` of an area, live or not; chunk_bytes and per_area must be set, by reader_load for example. */
void reader_entry(const struct reader *reader, uint64_t index, uint64_t *old_chunk, uint64_t *new_chunk);

/*
 * Whether the list is as a sound one must be: no data chunk in two entries or in an area, no old chunk twice or
 * beyond the origin, zeros behind the end in its area. With `repeats` an entry may be there twice, alike in both
 * numbers.
 */
bool reader_sound(const struct reader *reader, bool repeats, const char **why);

/* Whether an entry covers a byte of the range of the origin. */
bool reader_has_entry(const struct reader *reader, uint64_t origin_at, uint64_t length_bytes);

/* Byte offset of an area. */
uint64_t reader_area_bytes(uint64_t chunk_bytes, uint64_t area);

#endif

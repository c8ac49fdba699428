/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads both sides of a sample of entries, and looks for small pieces that are equal at the same place. */
#include "lib/check/resemblance.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/hash_key.h"
#include "lib/check/sample.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PART_BYTES 16384u  /* compared of a chunk */
#define BATCH_ENTRIES 32u  /* read at once */
#define UNREADABLE_MAX 16u /* then no more are tried: each try on a bad disk may take long */

/* tests/pairs/README.md says how these were found. */
#define PIECE_BYTES 16u        /* compared as one */
#define VALUES_MIN 12u         /* of its bytes: pieces with fewer are equal in unrelated file systems of one type */
#define LIKELY_MIN 3u          /* chunks that resemble, and ... */
#define LIKELY_PER_CHUNKS 64u  /* ... one more for so many that could, and ... */
#define LIKELY_PER_SHUFFLED 2u /* ... so many more for each that resembles another place */

#define NOTED_MAX 64u /* equal pieces that are remembered of a chunk */
#define NOTED_SLOTS (2 * SNAP_SAMPLE_MAX * NOTED_MAX)

struct comparison {
    struct snap_entry entries[SNAP_SAMPLE_MAX];
    uint32_t count;
    uint32_t length_bytes[SNAP_SAMPLE_MAX]; /* that have a place on the origin */
    bool unreadable[SNAP_SAMPLE_MAX];
    uint32_t unreadable_count;
    uint64_t part_bytes;
    uint8_t *data;    /* count * part_bytes, of the COW */
    uint8_t *replace; /* the same, of the origin */
    struct snap_hash_key key;
    const uint8_t *noted[NOTED_SLOTS]; /* pieces that were equal in some chunk; NULL: a free slot */
};

struct read_place {
    uint64_t offset_bytes;
    uint32_t index; /* of the entry */
};

static int by_offset(const void *left, const void *right)
{
    const uint64_t a = ((const struct read_place *)left)->offset_bytes;
    const uint64_t b = ((const struct read_place *)right)->offset_bytes;

    return (a > b) - (a < b);
}

/* Each request has its own result. Fails where it is not the medium's fault. */
static enum snap_status read_batch(struct comparison *comparison, struct snap_io *io, const struct read_place *places,
                                   uint32_t count, uint8_t *buffer, struct snap_error *err)
{
    struct snap_io_request requests[BATCH_ENTRIES];
    struct iovec iovs[BATCH_ENTRIES];
    struct snap_error reason = {0};
    enum snap_status status;
    bool told = false;

    for (uint32_t i = 0; i < count; i++) {
        const uint32_t index = places[i].index;

        iovs[i] = (struct iovec){buffer + index * comparison->part_bytes, comparison->length_bytes[index]};
        requests[i] = (struct snap_io_request){
            .kind = SNAP_IO_READ, .offset_bytes = places[i].offset_bytes, .iov = &iovs[i], .iov_count = 1};
    }
    status = snap_io_transfer(io, requests, count, &reason);
    for (uint32_t i = 0; i < count && status != SNAP_E_CHANGED; i++) {
        if (requests[i].sys_errno == 0)
            continue;
        if (!snap_error_is_medium(requests[i].sys_errno))
            return snap_fail_errno(err, requests[i].sys_errno, "%s: reading at byte %" PRIu64, io->name,
                                   requests[i].offset_bytes);
        told = true;
        comparison->unreadable[places[i].index] = true;
        comparison->unreadable_count++;
    }
    if (status == SNAP_OK || told)
        return SNAP_OK;
    if (err) /* it failed as a whole */
        *err = reason;
    return status;
}

/* One side of all entries, in ascending order. Those that are known to be unreadable are left out. */
static enum snap_status read_side(struct comparison *comparison, struct snap_io *io, struct read_place *places,
                                  uint8_t *buffer, struct snap_error *err)
{
    enum snap_status status = SNAP_OK;
    uint32_t count = 0;

    for (uint32_t i = 0; i < comparison->count; i++)
        if (!comparison->unreadable[places[i].index])
            places[count++] = places[i];
    qsort(places, count, sizeof *places, by_offset);
    for (uint32_t done = 0; done < count && status == SNAP_OK; done += BATCH_ENTRIES) {
        const uint32_t batch = (uint32_t)snap_min(BATCH_ENTRIES, count - done);

        if (comparison->unreadable_count < UNREADABLE_MAX) {
            status = read_batch(comparison, io, places + done, batch, buffer, err);
            continue;
        }
        for (uint32_t i = 0; i < batch; i++)
            comparison->unreadable[places[done + i].index] = true;
        comparison->unreadable_count += batch;
    }
    return status;
}

static enum snap_status read_both(struct comparison *comparison, const struct snap_store *store,
                                  struct snap_io *origin, struct snap_error *err)
{
    const uint64_t chunk_bytes = store->layout.chunk_bytes;
    struct read_place places[SNAP_SAMPLE_MAX];
    enum snap_status status;

    for (uint32_t i = 0; i < comparison->count; i++) {
        const uint64_t offset_bytes = comparison->entries[i].old_chunk * chunk_bytes;

        comparison->length_bytes[i] = (uint32_t)snap_min(comparison->part_bytes, origin->size_bytes - offset_bytes);
        places[i] = (struct read_place){.offset_bytes = offset_bytes, .index = i};
    }
    status = read_side(comparison, origin, places, comparison->replace, err);
    if (status != SNAP_OK)
        return status;
    for (uint32_t i = 0; i < comparison->count; i++)
        places[i] = (struct read_place){.offset_bytes = comparison->entries[i].new_chunk * chunk_bytes, .index = i};
    return read_side(comparison, store->io, places, comparison->data, err);
}

/* How many different bytes the piece has. */
static unsigned count_values(const uint8_t *piece)
{
    uint64_t seen[4] = {0};
    unsigned values = 0;

    for (unsigned i = 0; i < PIECE_BYTES; i++)
        seen[piece[i] / 64] |= UINT64_C(1) << piece[i] % 64;
    for (unsigned i = 0; i < 4; i++)
        values += (unsigned)__builtin_popcountll(seen[i]);
    return values;
}

/* Zeros, bitmaps and small numbers occur everywhere. */
static bool piece_tells(const uint8_t *piece)
{
    return count_values(piece) >= VALUES_MIN;
}

/* Remembers the piece; false where one of the same bytes is remembered already. */
static bool note(struct comparison *comparison, const uint8_t *piece)
{
    uint64_t halves[PIECE_BYTES / 8], hash, at;

    memcpy(halves, piece, PIECE_BYTES);
    hash = snap_hash_key_mix(&comparison->key, halves[0]);
    hash = snap_hash_key_mix(&comparison->key, hash ^ halves[1]);
    at = snap_hash_key_place(hash, NOTED_SLOTS);
    while (comparison->noted[at]) {
        if (memcmp(comparison->noted[at], piece, PIECE_BYTES) == 0)
            return false;
        at = (at + 1) % NOTED_SLOTS;
    }
    comparison->noted[at] = piece;
    return true;
}

/*
 * Holds the data of one entry against the place of one. They resemble each other where a piece is equal that was not
 * equal in an earlier chunk: what many chunks have in common (the table of an empty page, say) belongs to their format.
 */
static void compare_chunk(struct comparison *comparison, uint32_t data_index, uint32_t place_index, bool *telling,
                          bool *resembling)
{
    const uint8_t *data = comparison->data + data_index * comparison->part_bytes;
    const uint8_t *place = comparison->replace + place_index * comparison->part_bytes;
    const uint32_t length_bytes =
        (uint32_t)snap_min(comparison->length_bytes[data_index], comparison->length_bytes[place_index]);
    bool data_tells = false, place_tells = false;
    uint32_t noted = 0;

    *resembling = false;
    for (uint32_t at = 0; at + PIECE_BYTES <= length_bytes; at += PIECE_BYTES) {
        const bool tells = piece_tells(data + at);

        data_tells |= tells;
        place_tells = place_tells || piece_tells(place + at);
        if (tells && memcmp(data + at, place + at, PIECE_BYTES) == 0 && noted++ < NOTED_MAX &&
            note(comparison, data + at))
            *resembling = true;
    }
    *telling = data_tells && place_tells;
}

/* Counts those that resemble the place of the entry that stands `shift` further in the sample. */
static void compare(struct comparison *comparison, uint32_t shift, uint32_t *telling, uint32_t *resembling)
{
    uint32_t readable[SNAP_SAMPLE_MAX];
    uint32_t count = 0;
    bool tells, resembles;

    for (uint32_t i = 0; i < comparison->count; i++)
        if (!comparison->unreadable[i])
            readable[count++] = i;
    *telling = *resembling = 0;
    memset(comparison->noted, 0, sizeof comparison->noted);
    for (uint32_t i = 0; i < count; i++) {
        compare_chunk(comparison, readable[i], readable[(i + shift) % count], &tells, &resembles);
        *telling += tells;
        *resembling += resembles;
    }
}

static void judge(struct comparison *comparison, struct snap_resemblance *resemblance)
{
    uint32_t telling;

    resemblance->sampled = comparison->count;
    resemblance->unreadable = comparison->unreadable_count;
    resemblance->compared = comparison->count - comparison->unreadable_count;
    snap_hash_key_init(&comparison->key);
    compare(comparison, 0, &resemblance->telling, &resemblance->resembling);
    if (resemblance->compared > 1)
        compare(comparison, resemblance->compared / 2, &telling, &resemblance->shuffled_resembling);
    resemblance->likely = resemblance->resembling >= LIKELY_MIN + resemblance->telling / LIKELY_PER_CHUNKS +
                                                         LIKELY_PER_SHUFFLED * resemblance->shuffled_resembling;
}

enum snap_status snap_resemblance_measure(const struct snap_store *store, uint64_t entries, struct snap_io *origin,
                                          struct snap_resemblance *resemblance, struct snap_error *err)
{
    struct comparison *comparison = calloc(1, sizeof *comparison);
    enum snap_status status;

    memset(resemblance, 0, sizeof *resemblance);
    if (!comparison)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory comparing data", store->io->name);
    status = snap_sample_entries(store, entries,
                                 snap_layout_origin_chunks(&store->layout, origin->size_bytes / SNAP_SECTOR_BYTES),
                                 comparison->entries, &comparison->count, err);
    if (status == SNAP_OK && comparison->count > 0) {
        comparison->part_bytes = snap_min(store->layout.chunk_bytes, PART_BYTES);
        comparison->data = snap_buffer_new(comparison->count * comparison->part_bytes);
        comparison->replace = snap_buffer_new(comparison->count * comparison->part_bytes);
        status = comparison->data && comparison->replace
                     ? read_both(comparison, store, origin, err)
                     : snap_fail(err, SNAP_E_NOMEM, "%s: out of memory comparing data", store->io->name);
    }
    if (status == SNAP_OK)
        judge(comparison, resemblance);
    snap_buffer_free(comparison->data);
    snap_buffer_free(comparison->replace);
    free(comparison);
    return status;
}

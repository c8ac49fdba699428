/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads both sides of a sample of entries, and counts the small pieces that are equal at the same place. */
#include "lib/check/resemblance.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/check/sample.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define PART_BYTES 16384u    /* compared of a chunk */
#define PIECE_BYTES 16u      /* compared as one */
#define PIECE_VALUES_MIN 6u  /* a piece with fewer different bytes says nothing */
#define EQUAL_PIECES_MIN 2u  /* of a chunk that resembles */
#define EQUAL_SHARE 16u      /* and one of so many of its telling pieces */
#define LIKELY_MIN 4u        /* chunks that resemble */
#define BATCH_ENTRIES 32u    /* read at once */
#define UNREADABLE_MAX 16u   /* then no more are tried: each try on a bad disk may take long */

struct comparison {
    struct snap_entry entries[SNAP_SAMPLE_MAX];
    uint32_t count;
    uint32_t length_bytes[SNAP_SAMPLE_MAX]; /* that have a place on the origin */
    bool unreadable[SNAP_SAMPLE_MAX];
    uint32_t unreadable_count;
    uint64_t part_bytes;
    uint8_t *data;    /* count * part_bytes, of the COW */
    uint8_t *replace; /* the same, of the origin */
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
    for (uint32_t i = 0; i < count; i++) {
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

/* Zeros, bitmaps and small numbers occur everywhere. */
static bool piece_tells(const uint8_t *piece)
{
    uint8_t seen[PIECE_BYTES];
    unsigned values = 0;

    for (unsigned i = 0; i < PIECE_BYTES && values < PIECE_VALUES_MIN; i++)
        if (!memchr(seen, piece[i], values))
            seen[values++] = piece[i];
    return values >= PIECE_VALUES_MIN;
}

/* What of entry `data_index` was compared with the place of entry `place_index`. */
static void compare_chunk(const struct comparison *comparison, uint32_t data_index, uint32_t place_index,
                          bool *telling, bool *resembling)
{
    const uint8_t *data = comparison->data + data_index * comparison->part_bytes;
    const uint8_t *place = comparison->replace + place_index * comparison->part_bytes;
    const uint32_t length_bytes =
        (uint32_t)snap_min(comparison->length_bytes[data_index], comparison->length_bytes[place_index]);
    uint32_t data_tells = 0, place_tells = 0, equal = 0;

    for (uint32_t at = 0; at + PIECE_BYTES <= length_bytes; at += PIECE_BYTES) {
        const bool tells = piece_tells(data + at);

        data_tells += tells;
        place_tells += piece_tells(place + at);
        equal += tells && memcmp(data + at, place + at, PIECE_BYTES) == 0;
    }
    *telling = data_tells >= EQUAL_PIECES_MIN && place_tells >= EQUAL_PIECES_MIN;
    *resembling = *telling && equal >= EQUAL_PIECES_MIN && equal >= snap_min(data_tells, place_tells) / EQUAL_SHARE;
}

static void count(const struct comparison *comparison, struct snap_resemblance *resemblance)
{
    uint32_t readable[SNAP_SAMPLE_MAX];
    uint32_t readable_count = 0;
    bool telling, resembling;

    for (uint32_t i = 0; i < comparison->count; i++)
        if (!comparison->unreadable[i])
            readable[readable_count++] = i;
    resemblance->compared = readable_count;
    for (uint32_t i = 0; i < readable_count; i++) {
        compare_chunk(comparison, readable[i], readable[i], &telling, &resembling);
        resemblance->telling += telling;
        resemblance->resembling += resembling;
        if (readable_count < 2)
            continue;
        compare_chunk(comparison, readable[i], readable[(i + readable_count / 2) % readable_count], &telling,
                      &resembling);
        resemblance->shuffled_resembling += resembling;
    }
    resemblance->likely = resemblance->resembling >= LIKELY_MIN + 2 * resemblance->shuffled_resembling;
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
    if (status == SNAP_OK) {
        resemblance->sampled = comparison->count;
        resemblance->unreadable = comparison->unreadable_count;
        count(comparison, resemblance);
    }
    snap_buffer_free(comparison->data);
    snap_buffer_free(comparison->replace);
    free(comparison);
    return status;
}

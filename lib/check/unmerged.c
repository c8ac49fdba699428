/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the blocks where a merge has written, and looks on the COW for those that seem not to be merged. */
#include "lib/check/unmerged.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/base/crc32c.h"

#include <string.h>

#define BLOCK_BYTES SNAP_FINGERPRINT_BLOCK_BYTES
#define READ_BYTES (1u << 20)
#define PIECES_MAX 4u      /* of a block: no chunk with a fingerprint is smaller than 1 KiB */
#define UNREADABLE_MAX 16u /* each bad sector may take long */

/* A block that is what it was before. */
struct suspect {
    uint64_t chunk;                /* of the origin: the first one that the block touches */
    uint64_t offset_in_chunk_bytes;
    uint16_t sum;
    uint32_t pieces[PIECES_MAX];   /* checksums: a block may consist of several chunks */
};

struct search {
    const struct snap_unmerged_search *of;
    uint64_t chunk_bytes, piece_bytes;
    struct suspect suspects[SNAP_FINGERPRINT_SAMPLES_MAX];
    uint32_t count;
    bool unreadable; /* a place of the COW: what stands there may explain any of them */
    uint8_t *buffer;
};

/* Blocks of one chunk were merged together, and what is on the origin many times tells once. */
static bool is_known(const struct search *search, const struct suspect *suspect)
{
    for (uint32_t i = 0; i < search->count; i++)
        if (search->suspects[i].chunk == suspect->chunk || search->suspects[i].sum == suspect->sum)
            return true;
    return false;
}

static void suspect_block(struct search *search, uint64_t block, uint16_t sum)
{
    const uint64_t offset_bytes = block * BLOCK_BYTES;
    struct suspect suspect = {.chunk = offset_bytes / search->chunk_bytes,
                              .offset_in_chunk_bytes = offset_bytes % search->chunk_bytes,
                              .sum = sum};

    if (memcmp(search->buffer, search->buffer + 1, BLOCK_BYTES - 1) == 0 || is_known(search, &suspect))
        return; /* one byte again and again is found on most disks, and in many chunks */
    for (uint32_t i = 0; i < BLOCK_BYTES / search->piece_bytes; i++)
        suspect.pieces[i] = snap_crc32c(search->buffer + i * search->piece_bytes, search->piece_bytes);
    search->suspects[search->count++] = suspect;
}

/* The blocks of the origin where the merge has written. */
static enum snap_status read_blocks(struct search *search, struct snap_fingerprint_result *result,
                                    struct snap_error *err)
{
    const struct snap_fingerprint *fingerprint = &search->of->store->fingerprint;
    struct snap_io *origin = search->of->origin;
    uint32_t unreadable = 0;

    for (uint32_t sample = 0; sample < fingerprint->samples && unreadable < UNREADABLE_MAX; sample++) {
        const uint64_t block =
            snap_fingerprint_block(fingerprint, search->of->store->identity.origin_sectors, sample);
        struct snap_error reason;
        enum snap_status status;

        if (!snap_fingerprint_bit(result->written, sample) || block >= origin->size_bytes / BLOCK_BYTES)
            continue;
        status = snap_io_read(origin, block * BLOCK_BYTES, BLOCK_BYTES, search->buffer, &reason);
        if (status == SNAP_E_IO) {
            unreadable++;
            continue;
        }
        if (status != SNAP_OK)
            return snap_fail(err, status, "%s", reason.text);
        if ((uint16_t)snap_crc32c(search->buffer, BLOCK_BYTES) == fingerprint->sums[sample]) {
            suspect_block(search, block, fingerprint->sums[sample]);
            continue;
        }
        snap_fingerprint_set_bit(result->changed, sample);
        result->merged++;
    }
    return SNAP_OK;
}

/* One piece of the COW: it may be what was merged into a block that looks as before. */
static void look_up(struct search *search, uint64_t offset_bytes, const uint8_t *bytes)
{
    const uint64_t offset_in_chunk_bytes = offset_bytes % search->chunk_bytes;
    uint32_t sum = 0;
    bool summed = false;

    for (uint32_t i = 0; i < search->count;) {
        const struct suspect *suspect = &search->suspects[i];
        bool found = false;

        if (search->chunk_bytes < BLOCK_BYTES || suspect->offset_in_chunk_bytes == offset_in_chunk_bytes) {
            if (!summed)
                sum = snap_crc32c(bytes, search->piece_bytes);
            summed = true;
            for (uint32_t piece = 0; piece < BLOCK_BYTES / search->piece_bytes; piece++)
                found |= suspect->pieces[piece] == sum;
        }
        if (found)
            search->suspects[i] = search->suspects[--search->count];
        else
            i++;
    }
}

static enum snap_status search_range(struct search *search, uint64_t offset_bytes, uint64_t end_bytes,
                                     struct snap_error *err)
{
    struct snap_io *cow = search->of->store->io;

    while (offset_bytes < end_bytes && search->count >= SNAP_UNMERGED_MIN && !search->unreadable) {
        const uint64_t length_bytes = snap_min(end_bytes - offset_bytes, READ_BYTES);
        struct snap_error reason;
        enum snap_status status = snap_io_read(cow, offset_bytes, length_bytes, search->buffer, &reason);

        if (search->of->stop && search->of->stop(search->of->stop_context))
            return snap_fail(err, SNAP_E_STOPPED, "%s: stopped while searching it", cow->name);
        if (status != SNAP_OK && status != SNAP_E_IO)
            return snap_fail(err, status, "%s", reason.text);
        search->unreadable = status == SNAP_E_IO;
        for (uint64_t at = 0; status == SNAP_OK && at + search->piece_bytes <= length_bytes; at += search->piece_bytes)
            look_up(search, offset_bytes + at, search->buffer + at);
        offset_bytes += length_bytes;
    }
    return SNAP_OK;
}

static enum snap_status search_cow(struct search *search, struct snap_error *err)
{
    const struct snap_layout *layout = &search->of->store->layout;
    const uint64_t first = snap_min(search->of->highest_new_chunk + 1, layout->cow_chunks);
    enum snap_status status =
        search_range(search, first * search->chunk_bytes, layout->cow_chunks * search->chunk_bytes, err);

    return status == SNAP_OK ? search_range(search, search->chunk_bytes, first * search->chunk_bytes, err) : status;
}

enum snap_status snap_unmerged_count(const struct snap_unmerged_search *of, struct snap_fingerprint_result *result,
                                     struct snap_error *err)
{
    static const uint8_t none[sizeof result->written];
    struct search search = {.of = of, .chunk_bytes = of->store->layout.chunk_bytes};
    enum snap_status status;

    result->merged = result->unmerged = 0;
    memset(result->changed, 0, sizeof result->changed);
    if (!result->present || memcmp(result->written, none, sizeof none) == 0)
        return SNAP_OK;
    search.piece_bytes = snap_min(search.chunk_bytes, BLOCK_BYTES);
    search.buffer = snap_buffer_new_unset(READ_BYTES);
    if (!search.buffer)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for a look at its blocks", of->origin->name);
    status = read_blocks(&search, result, err);
    if (status == SNAP_OK && result->merged == 0 && search.count >= SNAP_UNMERGED_MIN)
        status = search_cow(&search, err);
    if (status == SNAP_OK && result->merged == 0 && !search.unreadable)
        result->unmerged = search.count >= SNAP_UNMERGED_MIN ? search.count : 0;
    snap_buffer_free(search.buffer);
    return status;
}

bool snap_unmerged_forget(const struct snap_fingerprint_result *result, struct snap_fingerprint *fingerprint)
{
    bool any = false;

    for (uint32_t sample = 0; result->present && sample < fingerprint->samples; sample++)
        if (snap_fingerprint_bit(result->written, sample) && !snap_fingerprint_bit(result->changed, sample)) {
            fingerprint->sums[sample] = 0;
            any = true;
        }
    return any;
}

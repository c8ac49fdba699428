/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes the places of the samples, matches the list with them, and replaces the fingerprint in its atomic unit. */
#include "lib/store/fingerprint.h"

#include "lib/base/arith.h"
#include "lib/base/buffer.h"
#include "lib/store/list_walk.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_SECTORS (SNAP_FINGERPRINT_BLOCK_BYTES / SNAP_SECTOR_BYTES)
#define EDGE_BLOCKS 16u /* sampled at each end of the origin: superblocks, partition tables, RAID metadata */

uint32_t snap_fingerprint_samples(uint64_t origin_sectors)
{
    return (uint32_t)snap_min(origin_sectors / BLOCK_SECTORS, SNAP_FINGERPRINT_SAMPLES_MAX);
}

/* The random numbers of the format: splitmix64, one step from the state `number`. */
static uint64_t splitmix64(uint64_t number)
{
    number += UINT64_C(0x9e3779b97f4a7c15);
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

uint64_t snap_fingerprint_block(const struct snap_fingerprint *fingerprint, uint64_t origin_sectors, uint32_t sample)
{
    const uint64_t blocks = origin_sectors / BLOCK_SECTORS;

    if (blocks < SNAP_FINGERPRINT_SAMPLES_MAX || sample < EDGE_BLOCKS)
        return sample;
    if (sample < 2 * EDGE_BLOCKS)
        return blocks - 2 * EDGE_BLOCKS + sample;
    return splitmix64(fingerprint->seed + sample) % blocks;
}

uint32_t snap_fingerprint_masked(const struct snap_fingerprint *fingerprint)
{
    uint32_t masked = 0;

    for (uint32_t sample = 0; sample < fingerprint->samples; sample++)
        masked += snap_fingerprint_bit(fingerprint->mask, sample);
    return masked;
}

void snap_fingerprint_forget_masked(struct snap_fingerprint *fingerprint)
{
    for (uint32_t sample = 0; sample < fingerprint->samples; sample++)
        if (snap_fingerprint_bit(fingerprint->mask, sample))
            fingerprint->sums[sample] = 0;
}

/*
 * The chunks that samples touch, in ascending order. A list may be long, and most of its chunks touch no sample: one
 * whose bit in `seen` is not set is not looked for.
 */
#define SEEN_BITS 16u
#define CHUNKS_OF_A_BLOCK_MAX (SNAP_FINGERPRINT_BLOCK_BYTES / SNAP_SECTOR_BYTES)

struct touched {
    size_t count;
    struct touched_chunk {
        uint64_t chunk;
        uint32_t sample;
    } chunks[SNAP_FINGERPRINT_SAMPLES_MAX * CHUNKS_OF_A_BLOCK_MAX];
    uint8_t seen[(1u << SEEN_BITS) / 8];
};

static uint32_t seen_bit(uint64_t chunk)
{
    return (uint32_t)(chunk * UINT64_C(0x9e3779b97f4a7c15) >> (64 - SEEN_BITS));
}

static int compare_chunks(const void *left, const void *right)
{
    const struct touched_chunk *a = left, *b = right;

    return a->chunk < b->chunk ? -1 : a->chunk > b->chunk;
}

static void collect_chunks(struct touched *touched, const struct snap_fingerprint *fingerprint,
                           uint64_t origin_sectors, uint32_t chunk_sectors)
{
    for (uint32_t sample = 0; sample < fingerprint->samples; sample++) {
        const uint64_t first_sector = snap_fingerprint_block(fingerprint, origin_sectors, sample) * BLOCK_SECTORS;
        const uint64_t last_chunk = (first_sector + BLOCK_SECTORS - 1) / chunk_sectors;

        for (uint64_t chunk = first_sector / chunk_sectors; chunk <= last_chunk; chunk++) {
            touched->chunks[touched->count++] = (struct touched_chunk){chunk, sample};
            touched->seen[seen_bit(chunk) / 8] |= (uint8_t)(1u << seen_bit(chunk) % 8);
        }
    }
    qsort(touched->chunks, touched->count, sizeof touched->chunks[0], compare_chunks);
}

/* Several samples may touch one chunk. */
static void mark_listed(const struct touched *touched, uint64_t chunk, uint8_t *listed)
{
    size_t low = 0, high = touched->count;

    if (!(touched->seen[seen_bit(chunk) / 8] >> seen_bit(chunk) % 8 & 1))
        return;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;

        if (touched->chunks[middle].chunk < chunk)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < touched->count && touched->chunks[low].chunk == chunk; low++)
        snap_fingerprint_set_bit(listed, touched->chunks[low].sample);
}

enum snap_status snap_fingerprint_find_listed(const struct snap_store *store,
                                              const struct snap_fingerprint *fingerprint, uint64_t origin_sectors,
                                              uint8_t listed[SNAP_FINGERPRINT_SAMPLES_MAX / 8],
                                              struct snap_error *err)
{
    struct touched *touched = calloc(1, sizeof *touched);
    struct snap_list_walk *walk = NULL;
    struct snap_span span = {.slots = 1};
    enum snap_status status;

    memset(listed, 0, SNAP_FINGERPRINT_SAMPLES_MAX / 8);
    if (!touched)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for its fingerprint", store->io->name);
    collect_chunks(touched, fingerprint, origin_sectors, store->layout.chunk_sectors);
    status = snap_list_walk_open(&walk, store, err);
    while (status == SNAP_OK && span.slots > 0) {
        status = snap_list_walk_next(walk, &span, err);
        for (uint32_t i = 0; status == SNAP_OK && i < span.live; i++)
            mark_listed(touched, snap_span_old(&span, i), listed);
    }
    snap_list_walk_close(walk);
    free(touched);
    return status;
}

bool snap_fingerprint_possible(const struct snap_store *store)
{
    return store->defect == SNAP_HEADER_GOOD && store->fingerprint_room;
}

enum snap_status snap_fingerprint_put(const struct snap_store *store, const struct snap_fingerprint *fingerprint,
                                      struct snap_error *err)
{
    const uint64_t unit_bytes = snap_header_unit_bytes(store); /* at most a chunk, and chunk 0 has two sectors */
    const uint64_t unit_offset_bytes = snap_round_down(SNAP_FINGERPRINT_OFFSET_BYTES, unit_bytes);
    const uint64_t length_bytes = snap_max(unit_bytes, SNAP_FINGERPRINT_OFFSET_BYTES + SNAP_FINGERPRINT_BYTES);
    struct snap_header header;
    enum snap_status status;
    uint8_t *bytes;

    if (!snap_fingerprint_possible(store))
        return snap_fail(err, SNAP_E_REFUSED, "%s: its second sector holds something that is not to be overwritten",
                         store->io->name);
    bytes = snap_buffer_new(length_bytes);
    if (!bytes)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for its fingerprint", store->io->name);
    status = snap_io_read(store->io, 0, length_bytes, bytes, err);
    if (status == SNAP_OK) {
        snap_codec_decode_header(bytes, &header);
        if (memcmp(&header, &store->header, sizeof header) != 0)
            status = snap_fail(err, SNAP_E_CORRUPT, "%s: the header has changed since it was read; another program "
                               "writes to it: stop that, then repeat this command", store->io->name);
    }
    if (status == SNAP_OK) {
        if (fingerprint)
            snap_codec_encode_fingerprint(fingerprint, bytes + SNAP_FINGERPRINT_OFFSET_BYTES);
        else
            memset(bytes + SNAP_FINGERPRINT_OFFSET_BYTES, 0, SNAP_FINGERPRINT_BYTES);
        status = snap_io_write(store->io, unit_offset_bytes, unit_bytes, bytes + unit_offset_bytes, err);
    }
    snap_buffer_free(bytes);
    return status;
}

enum snap_status snap_fingerprint_write(struct snap_store *store, const struct snap_fingerprint *fingerprint,
                                        struct snap_error *err)
{
    uint8_t sector[SNAP_FINGERPRINT_BYTES] = {0};
    enum snap_status status = snap_fingerprint_put(store, fingerprint, err);

    if (status == SNAP_OK)
        status = snap_io_flush(store->io, err);
    if (status != SNAP_OK)
        return status;
    if (fingerprint)
        snap_codec_encode_fingerprint(fingerprint, sector);
    snap_header_take_fingerprint(store, sector);
    return SNAP_OK;
}

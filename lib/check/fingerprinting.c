/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the sampled blocks of an origin in the order of their places, a few at a time. */
#include "lib/check/fingerprinting.h"

#include "lib/base/buffer.h"
#include "lib/base/bytes.h"
#include "lib/base/crc32c.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define BLOCK_BYTES SNAP_FINGERPRINT_BLOCK_BYTES
#define BATCH_BLOCKS 16u
#define UNREADABLE_MAX 16u /* each bad sector may take long */

/* What is known of a sample's block. */
struct block {
    uint64_t block;
    uint32_t sample;
    bool readable;
    bool constant; /* one byte again and again: a block like that is found on most disks */
    uint16_t sum;
};

static int compare_blocks(const void *left, const void *right)
{
    const struct block *a = left, *b = right;

    return a->block < b->block ? -1 : a->block > b->block;
}

/* The samples that are not in the mask, in the order of their blocks. Returns how many. */
static uint32_t sort_samples(const struct snap_fingerprint *fingerprint, uint64_t origin_sectors, const uint8_t *mask,
                             struct block *blocks)
{
    uint32_t count = 0;

    for (uint32_t sample = 0; sample < fingerprint->samples; sample++)
        if (!snap_fingerprint_bit(mask, sample))
            blocks[count++] = (struct block){.block = snap_fingerprint_block(fingerprint, origin_sectors, sample),
                                             .sample = sample};
    qsort(blocks, count, sizeof *blocks, compare_blocks);
    return count;
}

static void look_at(struct block *block, const uint8_t *bytes)
{
    block->readable = true;
    block->constant = memcmp(bytes, bytes + 1, BLOCK_BYTES - 1) == 0;
    block->sum = (uint16_t)snap_crc32c(bytes, BLOCK_BYTES);
}

/*
 * Reads the next blocks, at most a batch; those of one place together, and once. *done counts those that were dealt
 * with.
 */
static enum snap_status read_batch(struct snap_io *origin, struct block *blocks, uint32_t count, uint8_t *buffer,
                                   uint32_t *done, uint32_t *unreadable, struct snap_error *err)
{
    struct snap_io_request requests[BATCH_BLOCKS];
    struct iovec iov[BATCH_BLOCKS];
    uint32_t first = *done, end = first, places = 0;
    enum snap_status status;

    for (; end < count && places < BATCH_BLOCKS; places++) {
        iov[places] = (struct iovec){.iov_base = buffer + (size_t)places * BLOCK_BYTES, .iov_len = BLOCK_BYTES};
        requests[places] = (struct snap_io_request){.kind = SNAP_IO_READ,
                                                    .offset_bytes = blocks[end].block * BLOCK_BYTES,
                                                    .iov = &iov[places],
                                                    .iov_count = 1};
        for (end++; end < count && blocks[end].block == blocks[end - 1].block; end++)
            ; /* the same place */
    }
    status = snap_io_transfer(origin, requests, places, err);
    if (status != SNAP_OK && status != SNAP_E_IO)
        return status;
    for (uint32_t place = 0; first < end; first++) {
        if (first > *done && blocks[first].block != blocks[first - 1].block)
            place++;
        if (requests[place].sys_errno == 0)
            look_at(&blocks[first], buffer + (size_t)place * BLOCK_BYTES);
        else
            ++*unreadable;
    }
    *done = end;
    return SNAP_OK;
}

/* Reads all of them that are on the origin; `readable` says which that were. */
static enum snap_status read_blocks(struct snap_io *origin, struct block *blocks, uint32_t count,
                                    struct snap_error *err)
{
    const uint64_t blocks_on_origin = origin->size_bytes / BLOCK_BYTES;
    uint8_t *buffer = snap_buffer_new_unset(BATCH_BLOCKS * BLOCK_BYTES);
    uint32_t done = 0, unreadable = 0;
    enum snap_status status = SNAP_OK;

    if (!buffer)
        return snap_fail(err, SNAP_E_NOMEM, "%s: out of memory for a look at its blocks", origin->name);
    while (count > 0 && blocks[count - 1].block >= blocks_on_origin)
        count--;
    while (status == SNAP_OK && done < count && unreadable < UNREADABLE_MAX)
        status = read_batch(origin, blocks, count, buffer, &done, &unreadable, err);
    snap_buffer_free(buffer);
    return status;
}

/* What is on the origin many times, such as an empty page of a database, tells once. */
static bool first_of_its_sum(const struct block *blocks, uint32_t index)
{
    for (uint32_t i = 0; i < index; i++)
        if (blocks[i].readable && !blocks[i].constant && blocks[i].sum == blocks[index].sum)
            return false;
    return true;
}

static void count_blocks(const struct snap_store *store, const struct block *blocks, uint32_t count,
                         struct snap_fingerprint_result *result)
{
    const struct snap_fingerprint *fingerprint = &store->fingerprint;
    uint64_t last_chunk = UINT64_MAX;

    for (uint32_t i = 0; i < count; i++) {
        if (!blocks[i].readable) {
            result->unreadable++;
        } else if (blocks[i].sum == fingerprint->sums[blocks[i].sample]) {
            result->agree++;
            result->agree_places += i == 0 || blocks[i].block != blocks[i - 1].block;
            result->agree_telling += !blocks[i].constant && first_of_its_sum(blocks, i);
        } else {
            const uint64_t chunk = blocks[i].block * BLOCK_BYTES / store->layout.chunk_bytes;

            if (result->differ++ == 0)
                result->first_differing_bytes = blocks[i].block * BLOCK_BYTES;
            result->differ_chunks += chunk != last_chunk;
            last_chunk = chunk;
        }
    }
}

/* One without a checksum could not be read when the fingerprint was made, or its store asks for silence. */
static void note_written(const struct snap_fingerprint *fingerprint, const uint8_t *listed, uint8_t *written)
{
    for (uint32_t sample = 0; sample < fingerprint->samples; sample++)
        if (snap_fingerprint_bit(fingerprint->mask, sample) && !snap_fingerprint_bit(listed, sample) &&
            fingerprint->sums[sample] != 0)
            snap_fingerprint_set_bit(written, sample);
}

enum snap_status snap_fingerprinting_compare(const struct snap_store *store, struct snap_io *origin,
                                             struct snap_fingerprint_result *result, struct snap_error *err)
{
    const struct snap_fingerprint *fingerprint = &store->fingerprint;
    const uint64_t origin_sectors = store->identity.origin_sectors;
    struct block blocks[SNAP_FINGERPRINT_SAMPLES_MAX];
    uint8_t mask[SNAP_FINGERPRINT_SAMPLES_MAX / 8], listed[SNAP_FINGERPRINT_SAMPLES_MAX / 8];
    uint32_t unmasked, count;
    enum snap_status status;

    memset(result, 0, sizeof *result);
    if (store->fingerprint_state != SNAP_FINGERPRINT_OK)
        return SNAP_OK;
    status = snap_fingerprint_find_listed(store, fingerprint, origin_sectors, listed, err);
    if (status != SNAP_OK)
        return status;
    result->present = true;
    result->samples = fingerprint->samples;
    unmasked = sort_samples(fingerprint, origin_sectors, fingerprint->mask, blocks);
    for (size_t i = 0; i < sizeof mask; i++)
        mask[i] = listed[i] | fingerprint->mask[i];
    count = sort_samples(fingerprint, origin_sectors, mask, blocks);
    result->masked = fingerprint->samples - unmasked;
    result->listed = unmasked - count;
    note_written(fingerprint, listed, result->written);
    status = read_blocks(origin, blocks, count, err);
    if (status == SNAP_OK)
        count_blocks(store, blocks, count, result);
    return status;
}

enum snap_status snap_fingerprinting_forget(const struct snap_store *store, struct snap_io *origin,
                                            struct snap_fingerprint *fingerprint, struct snap_error *err)
{
    const uint64_t origin_sectors = store->identity.origin_sectors;
    struct block blocks[SNAP_FINGERPRINT_SAMPLES_MAX];
    uint8_t mask[SNAP_FINGERPRINT_SAMPLES_MAX / 8];
    enum snap_status status = snap_fingerprint_find_listed(store, fingerprint, origin_sectors, mask, err);
    uint32_t count;

    if (status != SNAP_OK)
        return status;
    for (size_t i = 0; i < sizeof mask; i++)
        mask[i] |= fingerprint->mask[i];
    count = sort_samples(fingerprint, origin_sectors, mask, blocks);
    status = read_blocks(origin, blocks, count, err);
    for (uint32_t i = 0; i < count && status == SNAP_OK; i++)
        if (blocks[i].readable && blocks[i].sum != fingerprint->sums[blocks[i].sample])
            snap_fingerprint_set_bit(fingerprint->mask, blocks[i].sample);
    return status;
}

bool snap_fingerprinting_written_at(const struct snap_store *store, const struct snap_fingerprint_result *result,
                                    uint64_t offset_bytes)
{
    const struct snap_fingerprint *fingerprint = &store->fingerprint;
    bool written = false;

    if (store->fingerprint_state != SNAP_FINGERPRINT_OK)
        return false;
    for (uint32_t sample = 0; sample < fingerprint->samples; sample++) {
        if (snap_fingerprint_block(fingerprint, store->identity.origin_sectors, sample) == offset_bytes / BLOCK_BYTES)
            return snap_fingerprint_bit(result->written, sample);
        written |= snap_fingerprint_bit(result->written, sample);
    }
    return written;
}

enum snap_status snap_fingerprinting_take(struct snap_fingerprint *fingerprint, const uint8_t store_id[16],
                                          struct snap_io *origin, const struct snap_store *listed,
                                          uint32_t *unreadable, struct snap_error *err)
{
    static const uint8_t none[SNAP_FINGERPRINT_SAMPLES_MAX / 8];
    const uint64_t origin_sectors = origin->size_bytes / SNAP_SECTOR_BYTES;
    struct block blocks[SNAP_FINGERPRINT_SAMPLES_MAX];
    enum snap_status status = SNAP_OK;
    uint32_t count;

    *unreadable = 0;
    memset(fingerprint, 0, sizeof *fingerprint);
    memcpy(fingerprint->store_id, store_id, sizeof fingerprint->store_id);
    fingerprint->samples = snap_fingerprint_samples(origin_sectors);
    if (getrandom(&fingerprint->seed, sizeof fingerprint->seed, 0) != (ssize_t)sizeof fingerprint->seed)
        return snap_fail_errno(err, errno, "cannot get random bytes for the fingerprint");
    if (listed)
        status = snap_fingerprint_find_listed(listed, fingerprint, origin_sectors, fingerprint->mask, err);
    if (status != SNAP_OK)
        return status;
    count = sort_samples(fingerprint, origin_sectors, none, blocks);
    status = read_blocks(origin, blocks, count, err);
    for (uint32_t i = 0; i < count && status == SNAP_OK; i++) {
        if (blocks[i].readable)
            fingerprint->sums[blocks[i].sample] = blocks[i].sum;
        *unreadable += !blocks[i].readable && !snap_fingerprint_bit(fingerprint->mask, blocks[i].sample);
        if (!blocks[i].readable)
            snap_fingerprint_set_bit(fingerprint->mask, blocks[i].sample);
    }
    return status;
}

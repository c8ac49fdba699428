/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identity record and fingerprint of a recipe's store, as dmsnap-store(5) has them. */
#include "tests/images/record.h"

#include <string.h>
#include <unistd.h>

static void put(uint8_t *bytes, uint64_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
}

/* CRC-32C bit by bit: the polynomial of Castagnoli, the lowest bit first. */
static uint32_t crc(const uint8_t *bytes, unsigned count)
{
    uint32_t rest = 0xffffffffu;

    for (unsigned i = 0; i < count; i++) {
        rest ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            rest = rest >> 1 ^ (rest & 1 ? 0x82f63b78u : 0);
    }
    return ~rest;
}

/* An id in which each byte tells its place. */
static void put_id(uint8_t *bytes, uint64_t id)
{
    for (unsigned i = 0; i < 16; i++)
        bytes[i] = (uint8_t)(id * 16 + i + 1);
}

void record_put(uint8_t sector[512], const struct record *record)
{
    memset(sector + 16, 0, 496);
    memcpy(sector + 16, "dmsnapID", 8);
    put(sector + 24, record->version, 2);
    put(sector + 26, record->length, 2);
    put_id(sector + 32, record->id);
    put(sector + 48, record->origin_sectors, 8);
    put(sector + 64, record->chunk_sectors, 4);
    put(sector + 68, record->flags, 4);
    put(sector + 28, crc(sector + 16, 480), 4);
}

static uint64_t mix(uint64_t z)
{
    z += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static uint64_t block_of(const struct fingerprint *fingerprint, uint64_t sample)
{
    const uint64_t blocks = fingerprint->origin_blocks;

    if (blocks < RECORD_SAMPLES_MAX || sample < 16)
        return sample;
    return sample < 32 ? blocks - 32 + sample : mix(fingerprint->seed + sample) % blocks;
}

uint64_t fingerprint_samples(uint64_t origin_blocks)
{
    return origin_blocks < RECORD_SAMPLES_MAX ? origin_blocks : RECORD_SAMPLES_MAX;
}

bool fingerprint_put(uint8_t sector[512], const struct fingerprint *fingerprint)
{
    uint8_t block[RECORD_BLOCK_BYTES];

    memset(sector, 0, 512);
    memcpy(sector, "dmsnapFP", 8);
    put(sector + 8, fingerprint->version, 2);
    put(sector + 10, fingerprint->samples, 2);
    put_id(sector + 16, fingerprint->id);
    put(sector + 32, fingerprint->seed, 8);
    for (uint64_t i = 0; i < fingerprint_samples(fingerprint->origin_blocks); i++) {
        if (pread(fingerprint->origin_fd, block, sizeof block, (off_t)(block_of(fingerprint, i) * sizeof block)) !=
            (ssize_t)sizeof block)
            return false;
        put(sector + 64 + 2 * i, crc(block, sizeof block), 2);
    }
    put(sector + 12, crc(sector, 512), 4);
    return true;
}

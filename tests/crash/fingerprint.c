/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By dmsnap-store(5), FINGERPRINT, for origins that are so small that each block is a sample. */
#include "tests/crash/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK 4096u
#define RECORD 16u
#define PRINT FINGERPRINT_BYTES

/* With a table: this is asked of each crash image. */
static uint32_t crc32c(const uint8_t *bytes, uint64_t count)
{
    static uint32_t table[256];
    uint32_t crc = UINT32_MAX;

    for (uint32_t i = 0; table[255] == 0 && i < 256; i++)
        for (unsigned bit = 0, value = i; bit < 8; bit++)
            table[i] = value = value >> 1 ^ (value & 1 ? 0x82f63b78u : 0);
    for (uint64_t i = 0; i < count; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

static void put(uint8_t *bytes, uint64_t value, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

static uint64_t get(const uint8_t *bytes, unsigned count)
{
    uint64_t value = 0;

    while (count-- > 0)
        value = value << 8 | bytes[count];
    return value;
}

void fingerprint_put(uint8_t *store, const uint8_t *origin, uint64_t origin_bytes)
{
    const uint64_t blocks = origin_bytes / BLOCK;

    if (blocks > 191)
        abort();
    memset(store + RECORD, 0, PRINT + 512 - RECORD);
    memcpy(store + 16, "dmsnapID", 8);
    put(store + 24, 1, 2);
    put(store + 26, 480, 2);
    memcpy(store + 32, "id of this store", 16);
    put(store + 48, origin_bytes / 512, 8);
    put(store + 64, get(store + 12, 4), 4); /* the chunk size, as in the header */
    put(store + 28, crc32c(store + RECORD, 480), 4);

    memcpy(store + PRINT, "dmsnapFP", 8);
    put(store + PRINT + 8, 1, 2);
    put(store + PRINT + 10, blocks, 2);
    memcpy(store + PRINT + 16, "id of this store", 16);
    for (uint64_t block = 0; block < blocks; block++)
        put(store + PRINT + 64 + 2 * block, crc32c(origin + block * BLOCK, BLOCK) & 0xffff, 2);
    put(store + PRINT + 12, crc32c(store + PRINT, 512), 4);
}

bool fingerprint_gone(const uint8_t *store)
{
    static const uint8_t zeros[512];

    return memcmp(store + PRINT, zeros, sizeof zeros) == 0;
}

static bool is_whole(const uint8_t *store)
{
    uint8_t copy[512];

    memcpy(copy, store + PRINT, sizeof copy);
    memset(copy + 12, 0, 4);
    return memcmp(copy, "dmsnapFP\x01", 10) == 0 && memcmp(copy + 16, store + 32, 16) == 0 &&
           get(store + PRINT + 12, 4) == crc32c(copy, sizeof copy);
}

enum fingerprint_verdict fingerprint_judge(const struct reader *reader, uint64_t *block)
{
    const uint8_t *print = reader->cow + PRINT;

    if (fingerprint_gone(reader->cow))
        return FINGERPRINT_GONE;
    if (!is_whole(reader->cow) || get(print + 10, 2) != reader->origin_bytes / BLOCK)
        return FINGERPRINT_BROKEN;
    for (*block = 0; *block < get(print + 10, 2); ++*block) {
        if (print[40 + *block / 8] >> *block % 8 & 1)
            continue;
        if (reader_has_entry(reader, *block * BLOCK, BLOCK))
            continue;
        if ((crc32c(reader->origin + *block * BLOCK, BLOCK) & 0xffff) != get(print + 64 + 2 * *block, 2))
            return FINGERPRINT_FALSE;
    }
    return FINGERPRINT_TRUE;
}

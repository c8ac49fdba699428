/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes the checksum with a table that each call makes: parts are large, and nothing is kept between calls. */
#include "lib/base/crc32c.h"

uint32_t snap_crc32c_add(uint32_t crc, const uint8_t *bytes, uint64_t length_bytes)
{
    uint32_t table[256];

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = (table[i] >> 1) ^ (0x82f63b78u & (0u - (table[i] & 1u)));
    }
    crc = ~crc;
    for (uint64_t i = 0; i < length_bytes; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

uint32_t snap_crc32c(const uint8_t *bytes, uint64_t length_bytes)
{
    return snap_crc32c_add(0, bytes, length_bytes);
}

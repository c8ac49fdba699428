/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Computes the checksum with a table that each call makes, since nothing is kept between calls. */
#include "lib/lvm/checksum_private.h"

#define INITIAL_VALUE 0xf597a6cfu
#define POLYNOMIAL 0xedb88320u /* the lowest bit of a byte counts first */

uint32_t snap_checksum(const uint8_t *bytes, uint64_t length_bytes)
{
    uint32_t table[256];
    uint32_t crc = INITIAL_VALUE;

    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int bit = 0; bit < 8; bit++)
            table[i] = (table[i] >> 1) ^ (POLYNOMIAL & (0u - (table[i] & 1u)));
    }
    for (uint64_t i = 0; i < length_bytes; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    return crc;
}

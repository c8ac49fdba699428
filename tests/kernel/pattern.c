/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The deterministic bytes and places that all jobs of the kernel tests write, and a checksum to compare them. */
#include "tests/kernel/pattern.h"

/* A bijection of 64-bit numbers in which neighbours have nothing in common (the finishing step of splitmix64). */
static uint64_t mix(uint64_t number)
{
    number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9u;
    number = (number ^ (number >> 27)) * 0x94D049BB133111EBu;
    return number ^ (number >> 31);
}

uint64_t pattern_word(uint64_t seed, uint64_t index)
{
    return mix((seed + 1) * 0x9E3779B97F4A7C15u + index);
}

void pattern_fill(uint64_t seed, uint64_t offset_bytes, size_t length_bytes, unsigned char *buffer)
{
    uint64_t word = 0;

    for (size_t done = 0; done < length_bytes; done++) {
        uint64_t position = offset_bytes + done;

        if (done == 0 || position % 8 == 0)
            word = pattern_word(seed, position / 8);
        buffer[done] = (unsigned char)(word >> (position % 8 * 8));
    }
}

uint64_t pattern_place(uint64_t seed, uint64_t turn, uint64_t count)
{
    return mix(mix(seed) + turn) % count;
}

/* What the eight steps of one byte do, for each value of the byte. */
static void crc_table_make(uint32_t table[256])
{
    for (uint32_t value = 0; value < 256; value++) {
        table[value] = value;
        for (int bit = 0; bit < 8; bit++)
            table[value] = (table[value] >> 1) ^ (0xEDB88320u & (0u - (table[value] & 1u)));
    }
}

uint32_t pattern_crc(uint32_t crc, const unsigned char *buffer, size_t length_bytes)
{
    uint32_t table[256];

    crc_table_make(table);
    crc = ~crc;
    for (size_t i = 0; i < length_bytes; i++)
        crc = (crc >> 8) ^ table[(crc ^ buffer[i]) & 0xff];
    return ~crc;
}

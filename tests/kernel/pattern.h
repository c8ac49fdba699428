/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The deterministic bytes and places that all jobs of the kernel tests write, and a checksum to compare them. */
#ifndef KERNEL_PATTERN_H
#define KERNEL_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* Word `index` of a device: its bytes 8*index..8*index+7, little endian. README.md gives the formula. */
uint64_t pattern_word(uint64_t seed, uint64_t index);

/* The bytes that the pattern has at (offset_bytes, length_bytes) of a device; neither needs to be aligned. */
void pattern_fill(uint64_t seed, uint64_t offset_bytes, size_t length_bytes, unsigned char *buffer);

/* Which of `count` places the write number `turn` of a random series goes to. */
uint64_t pattern_place(uint64_t seed, uint64_t turn, uint64_t count);

/* CRC-32 as in gzip; start with 0 and feed the result back in. */
uint32_t pattern_crc(uint32_t crc, const unsigned char *buffer, size_t length_bytes);

#endif

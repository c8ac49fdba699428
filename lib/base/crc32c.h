/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The checksum CRC-32C (Castagnoli): initial value and final exclusive-or are all ones. */
#ifndef DMSNAP_BASE_CRC32C
#define DMSNAP_BASE_CRC32C

#include <stdint.h>

uint32_t snap_crc32c(const uint8_t *bytes, uint64_t length_bytes);

/* The same in parts: begin with 0, and hand the result in with the next part. Cheap for parts of some KiB. */
uint32_t snap_crc32c_add(uint32_t crc, const uint8_t *bytes, uint64_t length_bytes);

#endif

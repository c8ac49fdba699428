/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of a disk: the size of a sector, zeros, and little-endian numbers at any alignment. */
#ifndef DMSNAP_BASE_BYTES
#define DMSNAP_BASE_BYTES

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* The store and the kernel count in sectors of 512 bytes, whatever the device's blocks are. */
#define SNAP_SECTOR_BYTES 512u

/* Whether all of these bytes are zero; true where there are none. */
static inline bool snap_all_zero(const uint8_t *bytes, uint64_t length_bytes)
{
    return length_bytes == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, (size_t)length_bytes - 1) == 0);
}

static inline uint16_t snap_get_le16(const uint8_t *bytes)
{
    return (uint16_t)(bytes[0] | (uint16_t)(bytes[1] << 8));
}

static inline uint32_t snap_get_le32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static inline uint64_t snap_get_le64(const uint8_t *bytes)
{
    return (uint64_t)snap_get_le32(bytes) | (uint64_t)snap_get_le32(bytes + 4) << 32;
}

static inline void snap_put_le16(uint8_t *bytes, uint16_t value)
{
    bytes[0] = (uint8_t)value;
    bytes[1] = (uint8_t)(value >> 8);
}

static inline void snap_put_le32(uint8_t *bytes, uint32_t value)
{
    snap_put_le16(bytes, (uint16_t)value);
    snap_put_le16(bytes + 2, (uint16_t)(value >> 16));
}

static inline void snap_put_le64(uint8_t *bytes, uint64_t value)
{
    snap_put_le32(bytes, (uint32_t)value);
    snap_put_le32(bytes + 4, (uint32_t)(value >> 32));
}

#endif

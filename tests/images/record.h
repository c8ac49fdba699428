/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Identity record and fingerprint of a recipe's store, written down once more; shares no code with lib/. */
#ifndef DMSNAP_TESTS_IMAGES_RECORD
#define DMSNAP_TESTS_IMAGES_RECORD

#include <stdbool.h>
#include <stdint.h>

#define RECORD_BLOCK_BYTES 4096u
#define RECORD_SAMPLES_MAX 192u

/* What a recipe may choose; all else of a record is zero. */
struct record {
    uint64_t version, length, id, origin_sectors, chunk_sectors, flags;
};

struct fingerprint {
    uint64_t version, samples, id, seed;
    uint64_t origin_blocks;
    int origin_fd;
};

/* Bytes 16 to 511 of the header's sector. */
void record_put(uint8_t sector[512], const struct record *record);

/* The sector behind it; false if a block of the origin cannot be read. */
bool fingerprint_put(uint8_t sector[512], const struct fingerprint *fingerprint);

/* How many samples an origin of so many blocks has. */
uint64_t fingerprint_samples(uint64_t origin_blocks);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fingerprint of a store, put into an image and held against an origin; shares no code with lib/. */
#ifndef DMSNAP_TEST_CRASH_FINGERPRINT_H
#define DMSNAP_TEST_CRASH_FINGERPRINT_H

#include "tests/crash/reader.h"

/* Chunks of one sector have no room for it: the second sector is their first area. */
#define FINGERPRINT_CHUNK_SECTORS_MIN 2u

/* Where it stands. */
#define FINGERPRINT_BYTES 512u

/* Gives the store a record and a fingerprint of this origin, which has at most 191 whole blocks. */
void fingerprint_put(uint8_t *store, const uint8_t *origin, uint64_t origin_bytes);

/* The sector is zero. */
bool fingerprint_gone(const uint8_t *store);

enum fingerprint_verdict {
    FINGERPRINT_GONE,
    FINGERPRINT_TRUE,    /* each sample that counts agrees with the origin */
    FINGERPRINT_FALSE,   /* one does not: *block is the first */
    FINGERPRINT_BROKEN,  /* neither a fingerprint of this store nor none */
};

/* `reader` was loaded: its list says which samples count. */
enum fingerprint_verdict fingerprint_judge(const struct reader *reader, uint64_t *block);

#endif

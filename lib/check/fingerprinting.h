/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes fingerprints of origins, and compares an origin with the fingerprint in a store. */
#ifndef DMSNAP_CHECK_FINGERPRINTING
#define DMSNAP_CHECK_FINGERPRINTING

#include "lib/store/fingerprint.h"

/*
 * What a comparison found. While a store is valid, each chunk of its origin that the list does not name is what it was
 * when the snapshot was taken: so each sample that counts agrees with the right origin. Each sample is in one of the
 * classes.
 */
struct snap_fingerprint_result {
    bool present;            /* the store has a fingerprint; without one the rest is 0 */
    uint32_t samples;
    uint32_t masked;         /* say nothing any more */
    uint32_t listed;         /* a chunk of the list touches them */
    uint32_t unreadable;     /* so is the origin there, or it ends before */
    uint32_t agree;
    uint32_t agree_places;   /* of these, different blocks: one may be sampled several times */
    uint32_t agree_telling;  /* the different checksums of these, but for blocks that are one byte again and again */
    uint32_t differ;
    uint32_t differ_chunks;  /* so many chunks of the store these are in, at least; one may be counted for each block */
    uint64_t first_differing_bytes; /* the lowest offset of a block that differs */
    uint8_t written[SNAP_FINGERPRINT_SAMPLES_MAX / 8]; /* masked ones that the list named once, and does not any more */
    uint8_t changed[SNAP_FINGERPRINT_SAMPLES_MAX / 8]; /* of the written ones, those that are not what they were ... */
    uint32_t merged;         /* ... and so many these are; all three are lib/check/unmerged.h's */
    uint32_t unmerged;
};

/*
 * Holds the origin against the store's fingerprint. The list must have been checked and found sound; it is walked once.
 * At most SNAP_FINGERPRINT_SAMPLES_MAX blocks of the origin are read, in ascending order; where many cannot be read the
 * rest is not tried and counts as unreadable. A difference is a result, not a failure.
 * SNAP_E_IO (the list cannot be read), SNAP_E_CORRUPT, SNAP_E_NOMEM; other failures of the origin than bad sectors.
 */
enum snap_status snap_fingerprinting_compare(const struct snap_store *store, struct snap_io *origin,
                                             struct snap_fingerprint_result *result, struct snap_error *err);

/*
 * Masks in *fingerprint, a copy of the store's, what the list does not name and the origin has not: where entries whose
 * chunk nobody knows are dropped, these would speak against the right origin. The checksums stay
 * (snap_fingerprint_forget_masked). Failures as of the comparison.
 */
enum snap_status snap_fingerprinting_forget(const struct snap_store *store, struct snap_io *origin,
                                            struct snap_fingerprint *fingerprint, struct snap_error *err);

/*
 * Whether a merge of the store may have written to the block of the origin at this offset, and taken that off the list:
 * the sample of that block is a written one of *result, or the block is not sampled, and others are written ones. False
 * without a fingerprint.
 */
bool snap_fingerprinting_written_at(const struct snap_store *store, const struct snap_fingerprint_result *result,
                                    uint64_t offset_bytes);

/*
 * Makes the fingerprint of an origin as it is now, for the store with this id, whose record has the origin's present
 * size. Samples that the list of `listed` touches (NULL: there is no list) are masked, and so are those that cannot be
 * read, which *unreadable counts. A masked one has a checksum all the same, if it could be read: it tells later whether
 * a merge has written there. SNAP_E_IO where the system gives no random bytes or the list cannot be read; else as
 * the comparison.
 */
enum snap_status snap_fingerprinting_take(struct snap_fingerprint *fingerprint, const uint8_t store_id[16],
                                          struct snap_io *origin, const struct snap_store *listed,
                                          uint32_t *unreadable, struct snap_error *err);

#endif

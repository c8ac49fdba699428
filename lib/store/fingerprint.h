/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The fingerprint of an existing store: where its samples are, which of them the list touches, and writing it. */
#ifndef DMSNAP_STORE_FINGERPRINT
#define DMSNAP_STORE_FINGERPRINT

#include "lib/store/header.h"

/* A sample is one block of the origin. */
#define SNAP_FINGERPRINT_BLOCK_BYTES 4096u

/* How many samples an origin of this size has; what follows its last whole block is never sampled. */
uint32_t snap_fingerprint_samples(uint64_t origin_sectors);

/*
 * The block of sample number `sample`, counted in blocks (dmsnap-store(5), FINGERPRINT). The number of sectors is the
 * one in the record: an origin that has grown since then is sampled where it was sampled before. sample is below
 * fingerprint->samples, and that is at most snap_fingerprint_samples of this size.
 */
uint64_t snap_fingerprint_block(const struct snap_fingerprint *fingerprint, uint64_t origin_sectors, uint32_t sample);

/* Sample `sample` in a mask of SNAP_FINGERPRINT_SAMPLES_MAX bits. */
static inline bool snap_fingerprint_bit(const uint8_t *mask, uint32_t sample)
{
    return mask[sample / 8] >> sample % 8 & 1;
}

static inline void snap_fingerprint_set_bit(uint8_t *mask, uint32_t sample)
{
    mask[sample / 8] = (uint8_t)(mask[sample / 8] | 1u << sample % 8);
}

/* How many of its samples are masked. */
uint32_t snap_fingerprint_masked(const struct snap_fingerprint *fingerprint);

/*
 * Takes the checksums off the masked samples: from now on they do not even tell whether a merge has written there.
 * For a store whose origin may be what it was although its list does not name the place.
 */
void snap_fingerprint_forget_masked(struct snap_fingerprint *fingerprint);

/*
 * Walks the list of a store, whose header is GOOD, once. `listed` is a mask: the samples that a chunk of the list
 * touches. SNAP_E_IO, SNAP_E_CORRUPT (the list does not end on the device), SNAP_E_NOMEM.
 */
enum snap_status snap_fingerprint_find_listed(const struct snap_store *store,
                                              const struct snap_fingerprint *fingerprint, uint64_t origin_sectors,
                                              uint8_t listed[SNAP_FINGERPRINT_SAMPLES_MAX / 8],
                                              struct snap_error *err);

/*
 * Whether the store can take a fingerprint: its header is good, and its second sector belongs to chunk 0 and is zero or
 * a fingerprint that this version knows, whole or damaged. A newer one, and what somebody else put there, is never
 * overwritten.
 */
bool snap_fingerprint_possible(const struct snap_store *store);

/*
 * Writes the fingerprint; NULL: zeros, the store has none any more. One atomic unit is written: where that is larger
 * than a sector, the rest of it as it is. The header is read again, and must be the one that *store has
 * (SNAP_E_CORRUPT). There is no flush: until the next one, the old fingerprint or the new one is there. What *store
 * says of its fingerprint is not changed.
 *
 * SNAP_E_REFUSED where snap_fingerprint_possible says no, SNAP_E_NOMEM, SNAP_E_IO.
 */
enum snap_status snap_fingerprint_put(const struct snap_store *store, const struct snap_fingerprint *fingerprint,
                                      struct snap_error *err);

/*
 * The same, durably, and *store takes it over; it counts there only beside a record with the same id. After a failed
 * flush the caller must stop using the store.
 */
enum snap_status snap_fingerprint_write(struct snap_store *store, const struct snap_fingerprint *fingerprint,
                                        struct snap_error *err);

#endif

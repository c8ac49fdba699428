/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes a new store, empty or with entries, in an order in which no crash leaves a wrong one. */
#ifndef DMSNAP_STORE_CREATE
#define DMSNAP_STORE_CREATE

#include "lib/io/io.h"
#include "lib/store/codec.h"
#include "lib/store/layout.h"

struct snap_create;

/*
 * The order: dmsnap-store(5), ORDERS OF WRITING, "Making a store".
 *
 * Starts a store on `cow` (borrowed, open for writing): makes whatever header was there unreadable, durably, and clears
 * the rest of chunk 0. The COW must hold area 0, and its logical block must divide the chunk: SNAP_E_REFUSED, with
 * nothing written. The object belongs to the caller: snap_create_close.
 */
enum snap_status snap_create_begin(struct snap_create **create, struct snap_io *cow, const struct snap_layout *layout,
                                   struct snap_error *err);

/* Zeroes the logical block at `offset`, which holds an old signature. Before the first entry only. */
enum snap_status snap_create_wipe(struct snap_create *create, uint64_t offset_bytes, struct snap_error *err);

/*
 * Adds an entry for `old_chunk` with the canonical data chunk. `data` holds chunk_bytes and is copied. Olds must not
 * repeat. SNAP_E_NOSPC where the device is full.
 */
enum snap_status snap_create_add(struct snap_create *create, uint64_t old_chunk, const void *data,
                                 struct snap_error *err);

/*
 * Completes it: data, areas and the fingerprint (NULL: none), flush, then the header with the identity record (NULL:
 * none) in one atomic unit, flush. Before that there is no store on the device; afterwards there is the whole one. In
 * *fingerprint the samples that the new list touches are masked. It needs a record of the same id, and chunks of at
 * least two sectors (SNAP_E_INTERNAL).
 */
enum snap_status snap_create_finish(struct snap_create *create, const struct snap_identity *identity,
                                    struct snap_fingerprint *fingerprint, struct snap_error *err);

uint64_t snap_create_entries(const struct snap_create *create);

/* NULL is fine. Without snap_create_finish the device holds no store. */
void snap_create_close(struct snap_create *create);

#endif

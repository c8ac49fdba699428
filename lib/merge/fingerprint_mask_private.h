/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store's fingerprint during a merge: samples that the merge changes stop counting, and at the end it goes. */
#ifndef DMSNAP_MERGE_FINGERPRINT_MASK_PRIVATE
#define DMSNAP_MERGE_FINGERPRINT_MASK_PRIVATE

#include "lib/merge/list_end_private.h"

/*
 * Masks all samples that the list touches: once an entry is cut off, its chunk is no longer what it was and the list
 * does not say so any more. Without a flush: the caller makes it durable before the first cut. Where no bit changes, or
 * there is no fingerprint, nothing is written. What is written is counted in `end`.
 */
enum snap_status snap_fingerprint_mask_listed(struct snap_list_end *end, struct snap_error *err);

/*
 * Whether a store of which a merge began with `entries` loses its fingerprint once its list is empty. One that was
 * empty from the start and has nothing masked was never merged: its origin is still what it was.
 */
bool snap_fingerprint_mask_ends(const struct snap_store *store, uint64_t entries);

/*
 * Takes the fingerprint off a store whose list is empty and durable, without a flush; snap_list_end_finish flushes. One
 * that cannot be overwritten because of the medium stays: it is true, since its mask is set.
 */
enum snap_status snap_fingerprint_mask_drop(struct snap_list_end *end, struct snap_error *err);

/* For a dry run: counts in `end` what the two would write. */
enum snap_status snap_fingerprint_mask_count(struct snap_list_end *end, bool drop, struct snap_error *err);

#endif

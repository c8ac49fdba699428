/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shortening a list from its end so that no power failure can tear it. */
#ifndef DMSNAP_STORE_LIST_CUT
#define DMSNAP_STORE_LIST_CUT

#include "lib/store/header.h"

/*
 * The smallest m in [lowest, length) at which the list can be cut by the write of one atomic unit, that is,
 * with m mod EPA in the last unit of its area (dmsnap-store(5), ORDERS OF WRITING, "Shortening the list"); `length`
 * where there is none.
 */
uint64_t snap_list_cut_single(const struct snap_store *store, uint64_t lowest, uint64_t length);

/* How many atomic units snap_list_cut would write, each with a flush. */
uint64_t snap_list_cut_units(const struct snap_store *store, uint64_t length, uint64_t new_length);

/* What a cut did, for tests and summaries. */
struct snap_list_cut_counts {
    uint64_t written_bytes;
    uint64_t flushes;
};

/*
 * Cuts the live list from `length` to `new_length` < `length` entries, durably: clears the slots behind the new end in
 * their area, from the end backwards, one atomic unit at a time with a flush after each, the unit with the terminator
 * last. Everything in later areas is unreachable from then on. After every unit, and with any of them torn off, the
 * list is a prefix of the old one of at least `new_length` entries, followed by zeros in its area.
 *
 * The caller has made sure that the origin durably holds the data of what is cut off. On failure the list has some
 * length in [new_length, length]; after a failed flush the caller must stop using the store.
 */
enum snap_status snap_list_cut(const struct snap_store *store, uint64_t length, uint64_t new_length,
                               struct snap_list_cut_counts *counts, struct snap_error *err);

/*
 * Zeroes the areas [first_area, first_area + count), highest first, without a flush. They must be unreachable: behind
 * the area that holds the end of the list. SNAP_E_IO: some could not be written, all others are zero.
 */
enum snap_status snap_list_cut_zero_areas(const struct snap_store *store, uint64_t first_area, uint64_t count,
                                          struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether the data of a store look like newer versions of what they would replace on an origin. */
#ifndef DMSNAP_CHECK_RESEMBLANCE
#define DMSNAP_CHECK_RESEMBLANCE

#include "lib/store/header.h"

struct snap_resemblance {
    uint32_t sampled;    /* entries that were chosen, at most SNAP_SAMPLE_MAX; 0 for an empty list */
    uint32_t unreadable; /* of these: the COW or the origin could not be read, or was not tried after many failures */
    uint32_t compared;   /* of these: both sides were read */
    uint32_t telling;    /* of these: both sides hold something that could tell (zeros and small numbers could not) */
    uint32_t resembling; /* of these: the chunk has something in common with what it would replace, at the same place,
                            and not just what other chunks have as well */
    uint32_t shuffled_resembling; /* the same count where each chunk is held against the place of another one: files of
                                     one kind begin alike, whatever disk they are on */
    bool likely;         /* resembling is more than a wrong origin gives */
};

/*
 * Compares sampled entries of a list that was checked, and is `entries` long, with the places on `origin` that they
 * would replace. It can only speak for a pair: a store that shares nothing with its origin may hold nothing but new
 * content; and not against one that has become another since (another generation of an origin resembles it).
 * tests/pairs/README.md has the figures. Reads at most SNAP_SAMPLE_MAX ranges of 16 KiB on each side, in ascending
 * order, and parts of the list; what the medium does not give is left out and counted. SNAP_E_IO where the list cannot
 * be read; SNAP_E_NOMEM; what a read failed with that says nothing about the medium (snap_error_is_medium).
 */
enum snap_status snap_resemblance_measure(const struct snap_store *store, uint64_t entries, struct snap_io *origin,
                                          struct snap_resemblance *resemblance, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Chooses a few entries of a list that stand for all of it. */
#ifndef DMSNAP_CHECK_SAMPLE
#define DMSNAP_CHECK_SAMPLE

#include "lib/store/header.h"

#define SNAP_SAMPLE_MAX 256u

/*
 * Chooses up to SNAP_SAMPLE_MAX of the first `entries` entries, the same ones each time, in the order of the list. Of a
 * long list it reads 32 places spread over it, 256 KiB at most. Neighbours on the origin are one run, and short runs
 * come first: a long one is the content of a large file, which says little about the origin, while the file system's
 * own blocks stand alone. Left out is what has no place on the devices: a chunk of the origin from `origin_chunks` on,
 * or a data chunk that the COW does not have. SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_sample_entries(const struct snap_store *store, uint64_t entries, uint64_t origin_chunks,
                                     struct snap_entry sample[SNAP_SAMPLE_MAX], uint32_t *count,
                                     struct snap_error *err);

#endif

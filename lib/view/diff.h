/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fills a new store with what differs between an origin and a newer content of it, in one pass over both. */
#ifndef DMSNAP_VIEW_DIFF
#define DMSNAP_VIEW_DIFF

#include "lib/store/create.h"

struct snap_diff_control {
    /*
     * The next range that may hold data, as snap_file_next_data: what both devices call a hole is not read. NULL:
     * everything is read.
     */
    enum snap_status (*next_data)(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                  uint64_t *length_bytes, struct snap_error *err);
    bool (*stop)(void *context);
    void *stop_context;
    void (*progress)(void *context, uint64_t done_bytes, uint64_t total_bytes);
    void *progress_context;
};

/*
 * Adds an entry to `create` for each chunk in which `newer` differs from `origin`, in ascending order. Both are of the
 * same number of sectors (SNAP_E_REFUSED). A partial last chunk is filled up with zeros. SNAP_E_NOSPC where the COW is
 * full, SNAP_E_STOPPED, SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_diff(struct snap_create *create, const struct snap_layout *layout, struct snap_io *origin,
                           struct snap_io *newer, const struct snap_diff_control *control, struct snap_error *err);

/* Only counts these chunks, in the same pass. Fails as snap_diff does, but for SNAP_E_NOSPC. */
enum snap_status snap_diff_count(const struct snap_layout *layout, struct snap_io *origin, struct snap_io *newer,
                                 const struct snap_diff_control *control, uint64_t *chunks, struct snap_error *err);

#endif

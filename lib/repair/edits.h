/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes that mend a store, as data: planned first, so that the old bytes can be saved, then carried out in order. */
#ifndef DMSNAP_REPAIR_EDITS
#define DMSNAP_REPAIR_EDITS

#include "lib/io/io.h"

/* What all edits of one repair take in memory and in the file with the old bytes, at most. */
#define SNAP_EDITS_BYTES_MAX (16u << 20)

/* One atomic unit of the device. */
struct snap_edit {
    uint64_t offset_bytes;
    uint8_t *before;      /* unit_bytes: what the device has when its turn comes */
    uint8_t *after;       /* unit_bytes */
    bool flush;           /* the device is flushed behind it: no later edit may become durable before */
};

/* In the order in which they are carried out. Several may be of the same unit. */
struct snap_edits {
    struct snap_io *io;   /* borrowed */
    uint64_t unit_bytes;
    struct snap_edit *items;
    size_t count, room;
};

/* `unit_bytes` as snap_header_unit_bytes. Free with snap_edits_free, which leaves an empty list. */
void snap_edits_init(struct snap_edits *edits, struct snap_io *io, uint64_t unit_bytes);
void snap_edits_free(struct snap_edits *edits);

/* Whether the device writes single units: SNAP_E_UNSUPPORTED where its logical blocks are larger. To be asked first. */
enum snap_status snap_edits_check_blocks(const struct snap_edits *edits, struct snap_error *err);

/* Reads the unit at `offset_bytes` as it will be behind all edits so far. SNAP_E_IO. */
enum snap_status snap_edits_read(const struct snap_edits *edits, uint64_t offset_bytes, uint8_t *unit,
                                 struct snap_error *err);

/*
 * Adds the write of one unit, which is copied. One that would change nothing is left out; one that follows another of
 * the same unit, without a barrier between them, becomes part of that. SNAP_E_REFUSED: more than
 * SNAP_EDITS_BYTES_MAX; SNAP_E_NOMEM, SNAP_E_IO.
 */
enum snap_status snap_edits_add(struct snap_edits *edits, uint64_t offset_bytes, const uint8_t *unit,
                                struct snap_error *err);

/*
 * Adds all edits of `from`, which were planned on what the device will be behind those of `edits`, and leaves it empty.
 * SNAP_E_REFUSED as above, SNAP_E_NOMEM.
 */
enum snap_status snap_edits_take(struct snap_edits *edits, struct snap_edits *from, struct snap_error *err);

/* Takes the last ones back, so that `count` are left. */
void snap_edits_shorten(struct snap_edits *edits, size_t count);

/* All edits so far shall be durable before the next one is begun. */
void snap_edits_barrier(struct snap_edits *edits);

/*
 * Carries them out, with a flush at the end. SNAP_E_CORRUPT: a unit is not what it was when the edit was planned;
 * SNAP_E_IO. After a failure the edits in front of some place are done, those behind it are not; *begun says whether
 * anything was written. A failed flush is final: the device is not to be used any more.
 */
enum snap_status snap_edits_apply(const struct snap_edits *edits, bool *begun, struct snap_error *err);

#endif

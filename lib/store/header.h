/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An existing store: its header, identity record and fingerprint, read and judged. */
#ifndef DMSNAP_STORE_HEADER
#define DMSNAP_STORE_HEADER

#include "lib/io/io.h"
#include "lib/store/codec.h"
#include "lib/store/layout.h"

/* What is wrong with a header, in the order in which the kernel looks (dmsnap-store(5), HEADER). */
enum snap_header_defect {
    SNAP_HEADER_GOOD,
    SNAP_HEADER_TOO_SMALL,     /* the device cannot hold a header sector */
    SNAP_HEADER_EMPTY,         /* magic 0: the kernel would make a new store of whatever follows */
    SNAP_HEADER_MAGIC,
    SNAP_HEADER_VERSION,
    SNAP_HEADER_INVALID,       /* valid == 0; everything else is in order */
    SNAP_HEADER_CHUNK_SIZE,    /* 0, no power of two, or above SNAP_CHUNK_SECTORS_MAX */
    SNAP_HEADER_NO_AREA        /* the device ends before area 0 does */
};

struct snap_store {
    struct snap_io *io;                  /* borrowed; outlives the store */
    struct snap_header header;
    struct snap_layout layout;           /* set for GOOD and NO_AREA, and for INVALID where the chunk size is good */
    enum snap_header_defect defect;
    enum snap_identity_state identity_state;
    struct snap_identity identity;       /* for SNAP_IDENTITY_OK */
    bool spare_bytes;                    /* bytes 16..511 hold something that is no identity record */
    enum snap_fingerprint_state fingerprint_state; /* NONE without a record with its store id */
    struct snap_fingerprint fingerprint; /* for SNAP_FINGERPRINT_OK */
    bool fingerprint_room;               /* the second sector may be written: it is zero, or a fingerprint we know */
};

/*
 * Reads and judges the header; a defect is a result, not a failure. Nothing to close: the object owns nothing.
 * SNAP_E_IO where the header cannot be read. A second sector that cannot be read counts as no fingerprint, and no room.
 */
enum snap_status snap_header_read(struct snap_store *store, struct snap_io *io, struct snap_error *err);

/* Whether there is a store at all, sound or not: its magic is there. */
bool snap_header_is_store(const struct snap_store *store);

/*
 * Whether the list can be looked for: the header is good, or all that is wrong is that the store is marked invalid. The
 * entries of such a store are as right as they were (dmsnap-store(5), INVALIDATION).
 */
bool snap_header_has_list(const struct snap_store *store);

/* Judges the second sector anew, after it was written. The chunk has one; `sector` is all of it. */
void snap_header_take_fingerprint(struct snap_store *store, const uint8_t sector[SNAP_FINGERPRINT_BYTES]);

/* The sentence for a defect: device, what was found, what was expected; its status (NOT_STORE, VERSION, ...). */
enum snap_status snap_header_fail_defect(const struct snap_store *store, struct snap_error *err);

/* Both in one: SNAP_OK only for a header that is GOOD. */
enum snap_status snap_header_open(struct snap_store *store, struct snap_io *io, struct snap_error *err);

/*
 * The atomic unit of this device in bytes: a write of that size, aligned, is done whole or not at all
 * (dmsnap-store(5), ORDERS OF WRITING). At least a sector, at most a chunk.
 */
uint64_t snap_header_unit_bytes(const struct snap_store *store);

#endif

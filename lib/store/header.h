/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An existing store: its header and identity, its areas, and how its list is shortened without tearing. */
#ifndef DMSNAP_STORE_HEADER
#define DMSNAP_STORE_HEADER

#include "lib/io/io.h"
#include "lib/store/codec.h"
#include "lib/store/layout.h"

/* What is wrong with a header, in the order in which the kernel looks (format 1.2). */
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
};

/*
 * Reads and judges the header; a defect is a result, not a failure. Nothing to close: the object owns nothing.
 * SNAP_E_IO where the header cannot be read.
 */
enum snap_status snap_header_read(struct snap_store *store, struct snap_io *io, struct snap_error *err);

/* The sentence for a defect: device, what was found, what was expected; its status (NOT_STORE, VERSION, ...). */
enum snap_status snap_header_fail_defect(const struct snap_store *store, struct snap_error *err);

/* Both in one: SNAP_OK only for a header that is GOOD. */
enum snap_status snap_header_open(struct snap_store *store, struct snap_io *io, struct snap_error *err);

/* Byte offset of the entry at `index`; the entry need not be on the device. Saturates at UINT64_MAX. */
uint64_t snap_list_read_offset_bytes(const struct snap_store *store, uint64_t index);

/*
 * Reads the entries [first_index, first_index + count) into `entries`, area by area in large requests. They must lie on
 * the device (SNAP_E_INTERNAL) and be part of the live list: the caller knows its length. SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_list_read_entries(const struct snap_store *store, uint64_t first_index, uint64_t count,
                                         struct snap_entry *entries, struct snap_error *err);

/*
 * The atomic unit of this device in bytes: a write of that size, aligned, is done whole or not at all (format 14,
 * "Offline writer order"). At least a sector, at most a chunk.
 */
uint64_t snap_list_cut_unit_bytes(const struct snap_store *store);

/*
 * The smallest m in [lowest, length) at which the list can be cut by the write of one atomic unit, i.e. with
 * m mod EPA in the last unit of its area (format 14, "Shortening without tearing"); `length` where there is none.
 */
uint64_t snap_list_cut_single(const struct snap_store *store, uint64_t lowest, uint64_t length);

/* The atomic units, each with its write and flush, that snap_list_cut_shorten would take. */
uint64_t snap_list_cut_units(const struct snap_store *store, uint64_t length, uint64_t new_length);

/* What shorten did: for tests and summaries. */
struct snap_shorten_counts {
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
enum snap_status snap_list_cut_shorten(const struct snap_store *store, uint64_t length, uint64_t new_length,
                                    struct snap_shorten_counts *counts, struct snap_error *err);

/*
 * Zeroes the areas [first_area, first_area + count), highest first, without a flush. They must be unreachable: behind
 * the area that holds the end of the list. SNAP_E_IO: some could not be written, all others are zero.
 */
enum snap_status snap_list_cut_zero_areas(const struct snap_store *store, uint64_t first_area, uint64_t count,
                                       struct snap_error *err);

#endif

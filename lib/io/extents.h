/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which parts of an image have their blocks already, and how much room a write to the others would take. */
#ifndef DMSNAP_IO_EXTENTS
#define DMSNAP_IO_EXTENTS

#include "lib/io/io.h"

/*
 * The next range at or after `offset_bytes` that a write fills without taking new blocks: data, and what was reserved
 * for data. *length_bytes is 0 where nothing but holes follow (then *start_bytes is the size). Blocks that another file
 * shares do not count, since a write takes new ones. Block devices, and images on file systems that tell nothing of
 * holes, are one range. `io` must come from lib/io/file.h. SNAP_E_IO.
 */
enum snap_status snap_extents_next(const struct snap_io *io, uint64_t offset_bytes, uint64_t *start_bytes,
                                   uint64_t *length_bytes, struct snap_error *err);

/*
 * How many bytes have no blocks between `from_bytes` and `to_bytes`, which may be behind the end of the image. A last
 * block that is not whole counts as a whole one. SNAP_E_IO; SNAP_E_STOPPED where `stop` (NULL: never) said so.
 */
enum snap_status snap_extents_missing(const struct snap_io *io, uint64_t from_bytes, uint64_t to_bytes,
                                      bool (*stop)(void *context), void *stop_context, uint64_t *missing_bytes,
                                      struct snap_error *err);

/* The unit in which the file system of an image takes room; 1 of a block device. */
uint64_t snap_extents_block_bytes(const struct snap_io *io);

#endif

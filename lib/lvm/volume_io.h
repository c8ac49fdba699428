/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A struct snap_io over the extents of a logical volume that is not active. */
#ifndef DMSNAP_LVM_VOLUME_IO
#define DMSNAP_LVM_VOLUME_IO

#include "lib/io/io.h"
#include "lib/lvm/volume.h"

/*
 * `members` has the open device of each physical volume that the volume is on, at its index in the metadata; the
 * others are NULL. Once this has succeeded, they and the volume belong to the new io; no other may use a member
 * meanwhile.
 *
 * Requests are cut at the borders of segments and stripes; what are neighbours on a device is put together again. Size:
 * that of the volume. Logical block and memory alignment: the largest of the members. It is writable where all members
 * are. A flush is one of each member, also of those to which nothing was written: an earlier run may have left
 * something in a cache. One that failed is final: each later flush fails as well, without asking the devices.
 *
 * SNAP_E_REFUSED: a device is too small for the extents on it, so it was cut. SNAP_E_UNSUPPORTED: extents do not begin
 * and end with a logical block. SNAP_E_NOMEM. Failures of requests name the volume, and the physical volume with the
 * place on it.
 */
enum snap_status snap_volume_io_new(struct snap_volume *volume, struct snap_io *const *members, size_t count,
                                    struct snap_io **io, struct snap_error *err);

/* Of an io that snap_volume_io_new has made: its places, and the open device of a physical volume; NULL: not on it. */
const struct snap_volume *snap_volume_io_places(const struct snap_io *io);
const struct snap_io *snap_volume_io_member(const struct snap_io *io, size_t pv);

#endif

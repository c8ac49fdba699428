/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Measures what a seek costs on a device, since what the system says of it is often only a default. */
#ifndef DMSNAP_IO_SEEK_COST
#define DMSNAP_IO_SEEK_COST

#include "lib/base/clock.h"
#include "lib/io/io.h"

#define SNAP_SEEK_READS 9u
#define SNAP_SEEK_SPINNING_NS 2000000u /* half a turn of the fastest disks; flash takes a tenth of that */

/*
 * Reads SNAP_SEEK_READS blocks that lie far apart, one after the other, and gives the median of the times. This
 * takes at most a fifth of a second on a spinning disk. The result means something only where the device is read past
 * the cache. It is 0 where the device is smaller than so many blocks. SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_seek_cost_measure(struct snap_io *io, const struct snap_clock *clock, uint64_t *median_ns,
                                        struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a device holds that would be lost if it were overwritten, also the list of a store whose header is gone. */
#ifndef DMSNAP_TOOLS_SHARED_HOLDS
#define DMSNAP_TOOLS_SHARED_HOLDS

#include "lib/check/lost_list.h"
#include "tools/cli/size.h"
#include "tools/shared/report.h"

/*
 * Whether the list of a store stands behind a header that is none (lib/check/lost_list.h). Where libblkid knows
 * something on the device, only a list of some length behind a chunk 0 of zeros, or with the record of a store, counts,
 * or one by which that is a piece of the snapshot, in the same place. `chunk_sectors`: only with these; 0: with any.
 */
bool holds_find_lost_list(struct snap_io *io, const struct snap_store *store, uint32_t chunk_sectors,
                          struct snap_lost_list *lost);

/*
 * The same where area 0 was zeroed with the header: whether later areas of a list stand there. Only where libblkid
 * knows nothing on the device, since whoever has reset a store leaves these, too.
 */
bool holds_find_later_areas(struct snap_io *io, const struct snap_store *store, uint32_t chunk_sectors,
                            struct snap_lost_list *lost);

/* For a printed line that writes the header: " --chunk-size SIZE" where two sizes make sense; else nothing. */
struct cli_text holds_chunk_size_option(const struct snap_lost_list *lost);

/* "the header is zeroed, but 600 entries of a store with chunks of 4 KiB stand behind it (...)"; empty: none */
struct report_text holds_lost_list_text(struct snap_io *io, const struct snap_store *store);

/*
 * What is lost where the device is overwritten: a store, also one without a header, a file system, a partition table,
 * an image in another format, a packed file; or something that is not known, where its first 4 KiB are not all zero.
 * As in "it holds WHAT". Empty: those are blank, and nothing is known behind them.
 */
enum snap_status holds_find(const struct device *device, struct report_text *what, struct snap_error *err);

/*
 * SNAP_E_REFUSED where the open device holds something that would be lost if it were overwritten. `waiver` says how it
 * is done all the same: "-f overwrites it". SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status holds_refuse(const struct device *device, const char *waiver, struct snap_error *err);

#endif

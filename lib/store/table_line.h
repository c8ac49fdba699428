/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines that dmsetup takes to put a store to use: snapshot, snapshot-merge, snapshot-origin. */
#ifndef DMSNAP_STORE_TABLE_LINE
#define DMSNAP_STORE_TABLE_LINE

#include "lib/base/error.h"

#include <stdint.h>

/* Which target the line is for. */
enum snap_table_target { SNAP_TABLE_SNAPSHOT, SNAP_TABLE_SNAPSHOT_ORIGIN, SNAP_TABLE_SNAPSHOT_MERGE };

/* What the kernel does where the store is full, and whether it keeps a store at all. */
enum snap_table_mode {
    SNAP_TABLE_INVALIDATES,  /* P: the snapshot is lost */
    SNAP_TABLE_FAILS_WRITES, /* PO: writes fail */
    SNAP_TABLE_TRANSIENT     /* N: nothing is kept; what is on the COW device is overwritten */
};

/*
 * One table line, without a newline (dmsnap-store(5), TABLE AND STATUS LINES): "0 <origin sectors> snapshot <origin>
 * <cow> P|PO|N <chunk sectors>", for snapshot-origin "0 <n> snapshot-origin <origin>". All but the origin is ignored
 * for snapshot-origin. SNAP_E_USAGE where the text does not fit, where a path holds white space (a table cannot
 * carry it), and for snapshot-merge without a store: that table stops the kernel.
 */
enum snap_status snap_table_line(enum snap_table_target target, uint64_t origin_sectors, const char *origin_path,
                                 const char *cow_path, enum snap_table_mode mode, uint32_t chunk_sectors, char *text,
                                 uint64_t text_bytes, struct snap_error *err);

/* What stands behind start, length and target of such a line: the parameters of the target. */
const char *snap_table_line_params(const char *line);

#endif

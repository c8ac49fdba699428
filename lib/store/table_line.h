/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines that dmsetup takes to put a store to use: snapshot, snapshot-merge, snapshot-origin. */
#ifndef DMSNAP_STORE_TABLE_LINE
#define DMSNAP_STORE_TABLE_LINE

#include "lib/base/error.h"

#include <stdbool.h>
#include <stdint.h>

/* Which target the line is for. */
enum snap_table_target { SNAP_TABLE_SNAPSHOT, SNAP_TABLE_SNAPSHOT_ORIGIN, SNAP_TABLE_SNAPSHOT_MERGE };

/*
 * One table line, without a newline (dmsnap-store(5), TABLE AND STATUS LINES): "0 <origin sectors> snapshot <origin>
 * <cow> P|PO <chunk sectors>", for snapshot-origin "0 <n> snapshot-origin <origin>". `cow_path` and chunk size are
 * ignored for snapshot-origin. SNAP_E_USAGE where the text does not fit or a path holds white space (a table cannot
 * carry it).
 */
enum snap_status snap_table_line(enum snap_table_target target, uint64_t origin_sectors, const char *origin_path,
                                 const char *cow_path, bool overflow_mode, uint32_t chunk_sectors, char *text,
                                 uint64_t text_bytes, struct snap_error *err);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the identity record of an existing store: one atomic unit, the header in it unchanged. */
#ifndef DMSNAP_STORE_RECORD
#define DMSNAP_STORE_RECORD

#include "lib/store/header.h"

/*
 * Whether the store can take a record: its header is good, and bytes 16..511 of it are zero or a record of ours that
 * this version knows, whole or damaged. A newer record, and what somebody else put there, is never overwritten.
 */
bool snap_record_possible(const struct snap_store *store);

/*
 * Replaces the record by `identity`, durably, and takes it over into *store. The header sector is read again, and must
 * have the header that *store has (SNAP_E_CORRUPT). The rest of its atomic unit is written back as it is; nothing else
 * is touched: the kernel ignores and keeps these bytes (dmsnap-store(5), HEADER). Not while a merge is running.
 *
 * SNAP_E_REFUSED where snap_record_possible says no, SNAP_E_NOMEM, SNAP_E_IO. After a failure the old record or the new
 * one is there; after a failed flush the caller must stop using the store.
 */
enum snap_status snap_record_write(struct snap_store *store, const struct snap_identity *identity,
                                   struct snap_error *err);

#endif

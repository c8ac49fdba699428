/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries of the list by their index: where each stands on the device, and the reading of many. */
#ifndef DMSNAP_STORE_LIST_READ
#define DMSNAP_STORE_LIST_READ

#include "lib/store/header.h"

/* Byte offset of the entry at `index`; the entry need not be on the device. Saturates at UINT64_MAX. */
uint64_t snap_list_read_offset_bytes(const struct snap_store *store, uint64_t index);

/*
 * Reads the entries [first_index, first_index + count) into `entries`, area by area in large requests. They must lie on
 * the device (SNAP_E_INTERNAL) and be part of the live list: the caller knows its length. SNAP_E_IO, SNAP_E_NOMEM.
 */
enum snap_status snap_list_read_entries(const struct snap_store *store, uint64_t first_index, uint64_t count,
                                        struct snap_entry *entries, struct snap_error *err);

#endif

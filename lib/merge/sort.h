/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorts entries by their chunk numbers: stable, in linear time, without allocation. */
#ifndef DMSNAP_MERGE_SORT
#define DMSNAP_MERGE_SORT

#include "lib/store/codec.h"

/*
 * Sorts the first `count` of *entries. *spare has the same room; the two may be exchanged, so that *entries points to
 * the sorted ones. Equal keys keep their order.
 */
void snap_sort_by_old(struct snap_entry **entries, struct snap_entry **spare, size_t count);
void snap_sort_by_new(struct snap_entry **entries, struct snap_entry **spare, size_t count);

#endif

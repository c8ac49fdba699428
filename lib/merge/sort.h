/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sorts entries by one of their chunk numbers: stable, in linear time, without allocation. */
#ifndef DMSNAP_MERGE_SORT
#define DMSNAP_MERGE_SORT

#include "lib/store/codec.h"

#include <stddef.h>

enum snap_sort_key {
    SNAP_SORT_BY_OLD, /* the place on the origin */
    SNAP_SORT_BY_NEW, /* the data chunk on the COW */
};

/*
 * Sorts the first `count` of *entries. *spare is scratch of the same size. The two pointers may be exchanged, so that
 * *entries points to the sorted entries afterwards. Entries with equal keys keep their order.
 */
void snap_sort_entries(struct snap_entry **entries, struct snap_entry **spare, size_t count, enum snap_sort_key key);

/*
 * Leaves the entries where they are: fills *places with the indices from 0 to count - 1, in the order of the keys of
 * the entries that they name. *spare is scratch of the same size; the two pointers may be exchanged. Entries with equal
 * keys keep their order.
 */
void snap_sort_places(const struct snap_entry *entries, size_t count, enum snap_sort_key key, size_t **places,
                      size_t **spare);

#endif

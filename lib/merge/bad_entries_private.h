/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The entries that could not be copied: which they are, and how they become the new end of the list. */
#ifndef DMSNAP_MERGE_BAD_ENTRIES_PRIVATE
#define DMSNAP_MERGE_BAD_ENTRIES_PRIVATE

#include "lib/merge/merge.h"
#include "lib/store/list_cut.h"

struct snap_bad_entries {
    struct snap_merge_bad *entries; /* the confirmed ones first, by their place on the origin */
    size_t count, room;
    size_t confirmed;               /* so many belong to windows that are written whole */
};

void snap_bad_entries_free(struct snap_bad_entries *bad);

/* Adds the chunks of the plan that have this fate. SNAP_E_NOMEM. */
enum snap_status snap_bad_entries_take(struct snap_bad_entries *bad, const struct snap_plan *plan,
                                       enum snap_plan_fate fate, struct snap_error *err);

/* The window is written whole: all bad entries so far are confirmed. */
void snap_bad_entries_confirm(struct snap_bad_entries *bad);

/*
 * Moves the confirmed bad entries to the slots from `first` on. They all stand at `first` or behind, in a list of
 * `list_length` entries. This goes unit by unit, in ascending order, with a flush after each unit. An entry only ever
 * moves towards the front of the list, so that its new slot is durable before its old one is overwritten. In between it
 * stands in the list twice, identical, which changes no view (dmsnap-store(5), ORDERS OF WRITING, "Moving bad
 * entries").
 *
 * *length becomes the length to which the list may be cut from then on; `first` where there are none. What is written
 * is added to *counts. SNAP_E_CORRUPT: one of them is not in the list any more.
 */
enum snap_status snap_bad_entries_move(const struct snap_bad_entries *bad, const struct snap_store *store,
                                       uint64_t first, uint64_t list_length, struct snap_list_cut_counts *counts,
                                       uint64_t *length, struct snap_error *err);

#endif

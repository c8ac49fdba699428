/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of the list on the COW while a merge moves it towards the start: cuts, and the areas behind it. */
#ifndef DMSNAP_MERGE_LIST_END_PRIVATE
#define DMSNAP_MERGE_LIST_END_PRIVATE

#include "lib/store/list_cut.h"

struct snap_list_end {
    const struct snap_store *store;
    uint64_t length;             /* of the list on the COW */
    uint64_t leftover_areas_end; /* the areas behind the list up to here are leftovers, and not zeroed yet */
    uint64_t unzeroed_areas_end; /* zeroing failed for some of the areas up to here */
    bool zeros_unflushed;        /* areas were zeroed after the last flush of the COW */
    struct snap_list_cut_counts counts; /* of all writes and flushes of the COW, those for bad entries included */
};

/* A list of `entries`. The areas behind it up to `leftover_areas_end` hold nothing that is missed; 0: none do. */
void snap_list_end_init(struct snap_list_end *end, const struct snap_store *store, uint64_t entries,
                        uint64_t leftover_areas_end);

/* Flushes the COW before anything builds on its list (glossary: flush a list). */
enum snap_status snap_list_end_flush_list(struct snap_list_end *end, struct snap_error *err);

/* Whether there are leftover areas that the list does not reach. */
bool snap_list_end_has_leftovers(const struct snap_list_end *end);

/* Cuts the list on the COW, durably. Does nothing where it is no longer than `length`. */
enum snap_status snap_list_end_cut(struct snap_list_end *end, uint64_t length, struct snap_error *err);

/*
 * Zeroes the leftover areas that the list does not reach, without a flush: nothing depends on their order or on them
 * being whole. An area that cannot be written stays as it is; that is no failure.
 */
enum snap_status snap_list_end_zero_leftovers(struct snap_list_end *end, struct snap_error *err);

/*
 * Takes all that is left, which are bad entries, off the list: from its end, area by area, so that there never is
 * anything behind the end. Otherwise some of them, or older copies of them, would look like entries that a fault has
 * cut off, though they are not on the origin. So an area behind the list that cannot be zeroed ends it, before the
 * first cut. `before` is called when the list is about to be cut (NULL: not called); a failure of it ends it as well.
 */
enum snap_status snap_list_end_drop(struct snap_list_end *end,
                                    enum snap_status (*before)(void *context, struct snap_error *err), void *context,
                                    struct snap_error *err);

/* Zeroes the leftover areas durably: those that an earlier run has left, before the first cut; all, at the end. */
enum snap_status snap_list_end_finish(struct snap_list_end *end, struct snap_error *err);

#endif

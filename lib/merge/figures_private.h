/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a merge counts, and what it reports while it runs. Private to lib/merge. */
#ifndef DMSNAP_MERGE_FIGURES_PRIVATE
#define DMSNAP_MERGE_FIGURES_PRIVATE

#include "lib/merge/merge_private.h"

/* From now on the merge counts in *result, which is all zero but for what is left. */
void snap_figures_begin(struct snap_merge *merge, struct snap_merge_result *result);

/* So much was written to the origin. It is what a copy calls after each group, with the merge as context. */
void snap_figures_add_written(void *merge, uint64_t length_bytes);

/* So much is not written, because the origin has it already. */
void snap_figures_add_equal(struct snap_merge *merge, uint64_t length_bytes);

/*
 * All entries from load->first on are merged, or are bad and stay. To be called while the merge's `committed` still has
 * its old value.
 */
void snap_figures_add_window(struct snap_merge *merge, const struct snap_window_range *load);

/* The merge has ended: adds what the list on the COW and its end have counted. */
void snap_figures_end(struct snap_merge *merge);

#endif

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: all of the list is merged.
# In: lib/merge/merge.c
# Found by: cs1-two-areas-by-8
s/finished = \{.first = merge->job->entries, .end = merge->job->entries\}/finished = {.first = snap_min(merge->job->entries, merge->store->layout.entries_per_area), .end = snap_min(merge->job->entries, merge->store->layout.entries_per_area)}/

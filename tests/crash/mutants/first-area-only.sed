# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: all of the list is merged.
# In: lib/merge/merge.c
# Found by: cs1-two-areas-by-8
/^enum snap_status snap_merge_run\(/,/^}/s/finished = .*/finished = {.first = merge->store->layout.entries_per_area, .end = merge->store->layout.entries_per_area};\
    if (finished.first > merge->job->entries)\
        finished.first = finished.end = merge->job->entries;/

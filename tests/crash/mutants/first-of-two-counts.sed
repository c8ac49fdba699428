# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a chunk with two entries that differ is not known.
# In: lib/view/view_map.c
# With: test_view_skip
# Found by: two_entries_and_shared_chunks_are_skipped
s/= snap_view_map_damaged\(SNAP_VIEW_TWO_ENTRIES\)/= map->entries[kept - 1].new_chunk/

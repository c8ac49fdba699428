# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: new entries get chunks behind the highest one in use, whatever their number is.
# In: lib/store/list_append.c
# With: explore-wide
# Found by: sibling-spread
s/append->next_chunk = snap_layout_next_free\(layout, highest_new_chunk\);/append->next_chunk = snap_layout_canonical_chunk(layout, entries);/

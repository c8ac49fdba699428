# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a chunk is copied out once: the second time it is half merged.
# In: lib/merge/sibling_copy.c
# With: explore-wide
# Found by: sibling-larger
s/snap_chunkset_has\(sibling->added, cursor->next_chunk\)/false/

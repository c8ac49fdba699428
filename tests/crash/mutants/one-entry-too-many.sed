# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: only what was merged is cut off.
# In: merge.c
# Found by: cs1-two-areas-by-8
s/snap_store_shorten\(merge->store, merge->committed, range->first,/snap_store_shorten(merge->store, merge->committed, range->first ? range->first - 1 : 0,/

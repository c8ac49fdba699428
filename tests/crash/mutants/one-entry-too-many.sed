# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: only what was merged is cut off.
# In: lib/merge/merge.c
# Found by: cs1-two-areas-by-8
s/snap_list_cut\(merge->store, merge->list_length, length,/snap_list_cut(merge->store, merge->list_length, length ? length - 1 : 0,/

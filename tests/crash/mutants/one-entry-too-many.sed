# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: only what was merged is cut off.
# In: lib/merge/list_end.c
# Found by: cs1-two-areas-by-8
s/snap_list_cut\(end->store, end->length, length,/snap_list_cut(end->store, end->length, length ? length - 1 : 0,/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: areas are zeroed only when the cut has hidden them, durably.
# In: lib/merge/merge.c
# Found by: cs2-four-areas-at-once
/^static enum snap_status commit\(/,/^}/{
/status = snap_merge_bad_move\(/i\
    merge->list_length = length;\
    status = snap_merge_zero_leftovers(merge, err);\
    merge->list_length = merge->committed;
}

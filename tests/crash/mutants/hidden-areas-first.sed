# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: areas are zeroed only when the cut has hidden them, durably.
# In: merge.c
# Found by: cs2-four-areas-at-once
/^static enum snap_status commit\(/,/^}/{
/status = merge_bad_move\(/i\
    merge->list_length = length;\
    status = merge_clear_hidden_areas(merge, err);\
    merge->list_length = merge->committed;
}

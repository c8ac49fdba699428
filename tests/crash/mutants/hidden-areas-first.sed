# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: areas are zeroed only when the cut has hidden them, durably.
# In: merge.c
# Found by: cs2-four-areas-at-once
/status = snap_store_shorten\(merge->store/i\
    status = clear_hidden_areas(merge, range->first, err);\
    if (status != SNAP_OK)\
        return status;

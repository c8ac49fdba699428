# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: areas are zeroed only when the cut has hidden them, durably.
# In: lib/merge/merge.c
# Found by: cs2-four-areas-at-once
/^static enum snap_status commit\(/,/^}/{
/status = snap_bad_entries_move\(/i\
        const uint64_t before = end->length;\
        end->length = length;\
        status = snap_list_end_zero_leftovers(end, err);\
        end->length = before;
}

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: of a cut of several units, the one with the terminator comes last.
# In: lib/store/list_cut.c
# Found by: cs2-by-40
/^    while \(status == SNAP_OK\) \{/i\
    if (cut_end(store, length, new_length) > snap_round_down(new_length, unit_entries) + unit_entries)\
        (void)snap_list_cut(store, snap_round_down(new_length, unit_entries) + unit_entries, new_length, counts, err);

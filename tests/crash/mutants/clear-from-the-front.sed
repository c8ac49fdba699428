# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a cut of several units begins at the end of the list.
# In: lib/store/list_cut.c
# Found by: cs2-by-40
s/uint64_t unit_first = snap_round_down\(cut_end\(store, length, new_length\) - 1, unit_entries\);.*/uint64_t unit_first = snap_round_down(new_length, unit_entries);/
s/if \(is_last\)$/if (unit_first + unit_entries >= cut_end(store, length, new_length))/
s/unit_first -= unit_entries;/unit_first += unit_entries;/

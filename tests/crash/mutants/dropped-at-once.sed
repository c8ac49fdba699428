# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what is given up leaves the list area by area, so that the rest never looks cut off.
# In: lib/merge/list_end.c
# With: explore-wide
# Found by: dropped-all
s/status = snap_list_end_cut\(end, snap_round_down\(.*/status = snap_list_end_cut(end, 0, err);/

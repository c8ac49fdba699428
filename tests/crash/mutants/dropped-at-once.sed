# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what is given up leaves the list area by area, so that the rest never looks cut off.
# In: merge_end.c
# With: explore-wide
# Found by: dropped-all
s/status = merge_shorten\(merge, snap_round_down\(.*/status = merge_shorten(merge, 0, err);/

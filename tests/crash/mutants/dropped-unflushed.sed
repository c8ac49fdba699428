# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the areas behind the list are zero, durably, before what is given up leaves the list.
# In: lib/merge/list_end.c
# With: explore-wide
# Found by: dropped-last-area
/^enum snap_status snap_list_end_drop\(/,/^}/s/status = flush_zeros\(end, err\);/(void)0;/

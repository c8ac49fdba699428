# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the areas behind the list are zero, durably, before what is given up leaves the list.
# In: lib/merge/list_end.c
# With: explore-wide
# Found by: dropped-last-area
/^static enum snap_status drop_bad\(/,/^}/s/status = flush_areas\(merge, err\);/(void)0;/

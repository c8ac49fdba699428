# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: nothing is given up while an area behind the list could not be zeroed.
# In: lib/merge/list_end.c
# With: test_merge_bad
# Found by: test_drop_before_an_area_that_stays
s/end->leftover_areas_end = snap_max\(end->leftover_areas_end, end->unzeroed_areas_end\);/(void)0;/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: samples of entries that stay lost do not say that a merge has written there.
# In: lib/repair/behind.c
# With: test_restore
# Found by: test_lost_entries_are_no_merged_ones
s/ && \*restores && restore\.lost > 0\)/ \&\& *restores \&\& restore.lost > UINT64_MAX - 1)/

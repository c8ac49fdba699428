# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: old bytes go back in the reverse order of the repair, durably.
# In: lib/repair/saved.c
# With: test_saved
# Found by: test_order_and_power_cuts
s/\(i == 0 \|\| edits->items\[i - 1\]\.flush\)/i == 0/

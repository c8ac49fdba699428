# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: old bytes go back in the reverse order of the repair.
# In: lib/repair/saved.c
# With: test_saved
# Found by: test_order_and_power_cuts
s/for \(size_t i = edits->count; status == SNAP_OK && i-- > 0;\)/for (size_t i = 0; status == SNAP_OK \&\& i < edits->count; i++)/

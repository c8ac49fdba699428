# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a repair that was cut short can be taken back.
# In: lib/repair/saved.c
# With: test_saved
# Found by: test_order_and_power_cuts
s/known = known \|\| memcmp\(edit->after, unit, \(size_t\)edits->unit_bytes\) == 0;/known = known || (i == number \&\& memcmp(edit->after, unit, (size_t)edits->unit_bytes) == 0);/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a repair is durable when that is said.
# In: lib/repair/edits.c
# With: test_saved
# Found by: test_order_and_power_cuts
s/\(edit->flush \|\| i \+ 1 == edits->count\)/edit->flush/

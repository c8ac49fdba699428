# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a write of a repair is durable before one that must come later.
# In: lib/repair/edits.c
# With: test_saved
# Found by: test_order_and_power_cuts
s/\(edit->flush \|\| i \+ 1 == edits->count\)/i + 1 == edits->count/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a cut goes from the end to the front, durably, unit by unit.
# In: lib/repair/drop.c
# With: test_repair
# Found by: test_random_damage
/^static enum snap_status plan_cut\(/,/^}/s/        snap_edits_barrier\(drop->edits\);/        (void)drop;/

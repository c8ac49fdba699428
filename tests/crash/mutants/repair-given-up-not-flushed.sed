# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: entries that others speak against are given up durably before those others.
# In: lib/repair/entries.c
# With: explore-repair
# Found by: drop-the-tail
/^enum snap_status snap_repair_plan_entries\(/,/^}/s/        snap_edits_barrier\(&work->repair->edits\);/        (void)step;/

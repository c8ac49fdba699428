# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what cannot be read, and is needed by another store, is not overwritten.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: undo-unkept
/^static enum snap_status write_load\(/,/^}/s/^            snap_plan_drop_bad\(plan\);/            (void)plan;/

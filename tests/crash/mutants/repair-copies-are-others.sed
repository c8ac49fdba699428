# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: entries that an interrupted repair has copied speak against none of those behind them.
# In: lib/repair/restore.c
# With: explore-repair
# Found by: ended-by-sectors
/^static enum snap_status compare_with_origin\(/,/^}/s/ && !is_copy\(behind, slot\);/ + 0 * is_copy(behind, slot);/

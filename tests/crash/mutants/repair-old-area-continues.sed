# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an old area does not become a list that was cut because entries are dropped.
# In: lib/repair/entries.c
# With: test_repair
# Found by: test_old_areas_stay_old
s/\(work->check\.list_complete && !looks_cut && !is_dropped_too\(work, &entry\)\)/entry.new_chunk != 0/

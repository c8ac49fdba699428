# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a rerun after a crash drops the same entries.
# In: lib/repair/entries.c
# With: test_repair
# Found by: test_crashes_end_in_one_place
s/if \(step != \(far \? GIVE_UP_FAR : GIVE_UP\) \|\|/if (step < STEPS || far ||/

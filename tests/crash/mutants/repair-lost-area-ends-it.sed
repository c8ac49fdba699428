# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: entries behind an area that was lost as a whole come back.
# In: lib/repair/restore.c
# With: test_restore
# Found by: test_areas_behind_a_lost_one
s/behind->slots\[first - 1\]\.fits \|\| behind->slots\[first\]\.fits/behind->slots[first].fits/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a rerun after a crash brings the same entries back.
# In: lib/repair/restore.c
# With: test_restore
# Found by: test_crashes_end_in_one_place
s/behind->slots\[first - 1\]\.fits \|\| behind->slots\[first\]\.fits/behind->slots[first].fits/

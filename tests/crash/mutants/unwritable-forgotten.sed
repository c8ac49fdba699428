# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an entry whose chunk could not be written stays in the list.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: unwritable-carried
s/status = snap_bad_entries_take\(&merge->bad, plan, SNAP_PLAN_UNWRITABLE, err\);/status = SNAP_OK;/

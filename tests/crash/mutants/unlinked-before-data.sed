# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: entries in areas that nothing links yet have their data.
# In: lib/store/list_append.c
# With: explore-wide
# Found by: sibling-all-at-once
/append->entries \/ per_area != /,/flush\(/s/status = flush\(append, counts, err\);/status = SNAP_OK;/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: behind an area that becomes full, the next one is empty.
# In: lib/store/list_append.c
# With: explore-wide
# Found by: sibling-fills-area
/^static enum snap_status write_areas\(/,/^}/{
s/\(append->entries \+ batch->count\) \/ per_area \+ 1;/(append->entries + batch->count - 1) \/ per_area + 1;/
s/end_area > append->entries \/ per_area \+ 1 && /false \&\& /
}

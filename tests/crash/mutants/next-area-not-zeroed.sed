# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: behind an area that becomes full, the next one is empty.
# In: lib/store/list_append.c
# With: explore-wide
# Found by: sibling-fills-area
/^static enum snap_status write_areas\(/,/^}/{
s/\(&store->layout, append->entries \+ batch->count\);/(\&store->layout, append->entries + batch->count - 1);/
s/end_area > first_area && /false \&\& /
}

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an area gets its entries unit by unit, with a flush after each.
# In: lib/store/list_append.c
# With: explore-wide
# Found by: sibling-torn-areas
/^static enum snap_status write_units\(/,/^}/s/status = flush\(append, counts, err\);/status = first + unit_entries < end ? SNAP_OK : flush(append, counts, err);/

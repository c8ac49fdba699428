# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the entries are durable before the origin changes.
# In: lib/store/list_append.c
# With: explore-wide
# Found by: sibling-same
/^static enum snap_status write_units\(/,/^}/s/status = flush\(append, counts, err\);/status = SNAP_OK;/

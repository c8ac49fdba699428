# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: bad entries are durable in their new places before the old ones are cut off.
# In: lib/merge/bad_entries.c
# With: explore-wide
# Found by: bad-area-and-more
s/return snap_io_flush\(store->io, err\); .*/return SNAP_OK;/

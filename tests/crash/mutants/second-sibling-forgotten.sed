# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the entries of every sibling are there before the origin changes.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: siblings-two
s/status = snap_sibling_commit\(options->siblings\[i\], err\);/status = i == 0 ? snap_sibling_commit(options->siblings[i], err) : SNAP_OK;/

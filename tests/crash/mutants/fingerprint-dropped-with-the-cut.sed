# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the fingerprint goes when the last cut is durable.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: fingerprint
s/^( *)(status = snap_list_end_cut\(end, length, err\);) .*/\1status = length == 0 ? snap_fingerprint_mask_drop(end, err) : SNAP_OK;\n        if (status == SNAP_OK)\n            \2/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the mask is durable before the first cut.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: fingerprint-exhaustive
s/^( *status = )snap_fingerprint_mask_listed\(&merge->list_end, err\);/\1SNAP_OK;/
s/^( *status = )flush_lists\(merge, err\);/\1flush_lists(merge, err);\n    if (status == SNAP_OK \&\& !options->keep_cow)\n        status = snap_fingerprint_mask_listed(\&merge->list_end, err);/

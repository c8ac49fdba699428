# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what takes the fingerprint off an emptied store is durable at the end of the merge.
# In: lib/merge/fingerprint_mask.c
# With: test_fingerprint_mask
# Found by: test_exact_order
/^enum snap_status snap_fingerprint_mask_drop/,/^}/s/end->zeros_unflushed = true;/end->zeros_unflushed = end->zeros_unflushed;/

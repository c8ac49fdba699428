# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a store has its fingerprint as long as it has entries.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: fingerprint
s/snap_fingerprint_mask_listed\(&merge->list_end, err\)/snap_fingerprint_mask_drop(\&merge->list_end, err)/

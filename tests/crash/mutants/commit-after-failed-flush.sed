# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: nothing is cut off after a failed flush of the origin.
# In: lib/merge/merge.c
# Found by: cs2-origin-flush-fails
/^static enum snap_status commit\(/,/options->keep_cow/s/if \(status != SNAP_OK\)/if (0)/

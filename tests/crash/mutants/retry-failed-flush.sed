# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a failed flush is not tried again: what it lost looks clean from then on.
# In: merge.c
# Found by: cs2-origin-flush-fails
/^static enum snap_status commit\(/,/^}/{
/origin_flushes\+\+;/,/return status;/s/if \(status != SNAP_OK\)/if (status != SNAP_OK) status = snap_io_flush(merge->origin, err); if (status != SNAP_OK)/
}

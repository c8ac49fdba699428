# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a failed flush is not tried again: what it lost looks clean from then on.
# In: lib/merge/merge.c
# Found by: cs2-origin-flush-fails
/^static enum snap_status flush_origin\(/,/^}/s/merge->result->origin_flushes\+\+;/&\n    if (status != SNAP_OK)\n        status = snap_io_flush(merge->origin, err);/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the origin is flushed also after a window without a write: an earlier slice had some.
# In: lib/merge/merge.c
# Found by: sliced-chunk
s/status = snap_io_flush\(merge->origin, err\);/status = merge->windows[1].plan.write_count ? snap_io_flush(merge->origin, err) : SNAP_OK;/

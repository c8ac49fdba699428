# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the origin is flushed also in a run without a write: an earlier run, which was killed, had some.
# In: lib/merge/merge.c
# Found by: cs2-keep-cow-killed
s/status = snap_io_flush\(merge->origin, err\);/status = merge->result->written_bytes ? snap_io_flush(merge->origin, err) : SNAP_OK;/

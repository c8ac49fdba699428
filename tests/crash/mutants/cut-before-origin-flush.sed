# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the origin is flushed before the cut, not after it.
# In: merge.c
# Found by: cs1-one-entry
s/enum snap_status status = snap_io_flush\(merge->origin, err\);/enum snap_status status = SNAP_OK;/
/status = snap_store_shorten\(merge->store/a\
    if (status == SNAP_OK)\
        status = snap_io_flush(merge->origin, err);

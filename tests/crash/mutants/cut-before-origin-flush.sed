# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what the cut takes off the list is durable on the origin before.
# In: lib/merge/merge.c
# Found by: cs1-one-entry
/^static enum snap_status commit\(/,/^}/{
s/enum snap_status status = flush_origin\(merge, err\);/enum snap_status status = SNAP_OK;/
/status = snap_list_end_cut\(end, length, err\);/a\
    if (status == SNAP_OK)\
        status = flush_origin(merge, err);
}

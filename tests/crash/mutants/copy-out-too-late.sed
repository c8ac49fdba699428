# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the old content is copied out before the first write of the load.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: sibling-one-entry
/^static enum snap_status write_load\(/,/^}/{
s/status = copy_out\(merge, plan, err\);/status = SNAP_OK;/
/merge->result->write_requests \+= plan->write_count;/i\
    if (status == SNAP_OK)\
        status = copy_out(merge, plan, err);
}

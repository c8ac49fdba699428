# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the origin is flushed also where all was identical: an earlier run, which was killed, wrote it.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: skip-killed
/^static enum snap_status write_load\(/,/^}/{
/merge->result->write_requests \+= plan->write_count;/i\
    if (options->skip_identical)\
        merge->origin_flushed = plan->write_count == 0;
}

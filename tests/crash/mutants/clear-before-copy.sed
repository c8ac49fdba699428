# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the data are on the origin before the cut.
# In: lib/merge/merge.c
# Found by: cs1-one-entry
/status = write_load\(merge, window, &range, err\);/i\
        if (range.last_load)\
            status = commit(merge, &range, err);\
        range.last_load = false;

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the data are on the origin before the cut.
# In: lib/merge/merge.c
# Found by: cs1-one-entry
/status = write_load\(merge, window, &load, err\);/i\
        if (load.last_load)\
            status = commit(merge, &load, err);\
        load.last_load = false;

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the data are on the origin before the cut.
# In: merge.c
# Found by: cs1-one-entry
/if \(merge->options->keep_cow && range\.end > merge->options->compare_from\)/i\
        if (range.last_slice)\
            status = commit(merge, &range, err);\
        range.last_slice = false;

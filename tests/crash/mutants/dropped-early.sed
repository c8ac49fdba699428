# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what is given up stays in the list until all else is merged.
# In: lib/merge/bad_entries.c
# With: explore-wide
# Found by: dropped-one
/^enum snap_status snap_merge_bad_move\(/,/^}/s/if \(merge->bad.confirmed == 0\)/if (merge->bad.confirmed == 0 || merge->options->drop_bad)/

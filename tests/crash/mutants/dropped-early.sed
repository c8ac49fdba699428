# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what is given up stays in the list until all else is merged.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: dropped-one
s/status = snap_bad_entries_move\(/status = options->drop_bad ? SNAP_OK : snap_bad_entries_move(/

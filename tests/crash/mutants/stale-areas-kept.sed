# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: old areas that fit the list are gone before their data chunks are used again.
# In: lib/merge/sibling.c
# With: explore-wide
# Found by: undo-taken-back
/^static enum snap_status zero_leftover_areas\(/,/^}/s/if \(first >= end\)/if (first >= end || true)/

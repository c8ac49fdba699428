# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: after a failed flush of another store nothing that waits for a cut is made to count.
# In: lib/merge/merge.c
# With: faults
# Found by: siblings, reading ahead
s/merge->uncertain \|= !snap_sibling_usable\(.*/(void)snap_sibling_usable(options->siblings[i]);/

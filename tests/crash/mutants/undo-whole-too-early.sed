# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an undo store is left out of the next run only if it has all that is replaced.
# In: tools/merge/undo.c
# With: undo.bats
# Found by: --keep-cow, stopped when not all that is replaced was kept: the line to go on names the undo store, and works
s/snap_sibling_counts\(sibling->handle\)->copied_chunks >= sibling->need\.needed_chunks/true/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an undo store that lacks a part is named as such.
# In: tools/merge/undo.c
# With: undo.bats
# Found by: --accept=undo, stopped at once: it was not under way any more, but its way back is lost
s/&& \(cow->flags & SNAP_IDENTITY_UNDO_LOST\) != 0/\&\& false/

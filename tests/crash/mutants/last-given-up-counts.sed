# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: each store that was given up counts, not the last one alone.
# In: tools/merge/undo.c
# With: undo.bats
# Found by: a merge is taken back, and its snapshot has no room for that: stopped, the line to go on works all the same
s/invalidated \|= /invalidated = /

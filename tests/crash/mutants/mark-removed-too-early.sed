# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a merge that leaves bad entries is still under way.
# In: tools/merge/undo.c
# With: undo.bats
# Found by: bad entries are left: the merge is still under way, and goes on with its undo store, and only with it
s/session->result\.entries_left > 0 \|\| session->arguments\.keep_cow/session->arguments.keep_cow/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a COW that knows its undo store goes on with it to the end.
# In: tools/merge/undo.c
# With: undo.bats
# Found by: --keep-cow, stopped when all that is replaced was kept: the line to go on leaves --undo out, and works
s/return session->arguments\.keep_cow && sibling && sibling->handle/return sibling \&\& sibling->handle/

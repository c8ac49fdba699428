# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a merge goes on with the undo store that it was begun with.
# In: tools/merge/undo.c
# With: undo.bats
# Found by: resuming with the undo store of another merge of the same snapshot: refused
s/merge_undo_under_way\(session\) && !same_id\(cow->undo_id, undo->store_id\)/false/

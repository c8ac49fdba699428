# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an undo store that was given up is no way back.
# In: tools/merge/undo.c
# With: undo.bats
# Found by: an undo store that is given up while its merge goes on is no way back any more, and that is remembered
s/!sibling->invalidate && same_id\(record_of\(&sibling->store\)->store_id, undo_id\)/same_id(record_of(\&sibling->store)->store_id, undo_id)/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a full undo store is not given up as another snapshot's store is.
# In: tools/merge/preserve.c
# With: undo.bats
# Found by: an undo store that has become too small: refused; what it says to do with the merge is what can be done
s/if \(sibling->is_undo\)$/if (false)/

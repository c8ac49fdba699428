# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a COW that is kept gets no mark.
# In: tools/merge/undo.c
# With: undo.bats
# Found by: --keep-cow with --undo: the COW is not written to, and the merge can be taken back
/^enum snap_status merge_undo_begin\(/,/^}/s/if \(status == SNAP_OK && !session->arguments\.keep_cow\)/if (status == SNAP_OK)/

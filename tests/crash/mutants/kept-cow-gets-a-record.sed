# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a COW that is kept gets no record.
# In: tools/merge/undo_make.c
# With: undo.bats
# Found by: a COW without a record, and an undo store that is there: with entries it is refused, until they are taken back
s/SNAP_IDENTITY_OK \|\| session->arguments\.keep_cow/SNAP_IDENTITY_OK/

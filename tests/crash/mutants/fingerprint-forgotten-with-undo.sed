# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: after a merge with an undo store the emptied store still knows its origin.
# In: tools/merge/prepare.c
# With: fingerprint.bats
# Found by: --undo: both stores stay true, there and back and there again
s/session->options\.keep_fingerprint = .*/session->options.keep_fingerprint = false;/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: samples of chunks that a new store leaves out do not say that a merge has written there.
# In: tools/check/repair_to.c
# With: repair_to.bats
# Found by: --repair-to --drop-equal: samples of chunks that are left out do not say that a merge has written there
s/if \(left_out \|\| session->arguments\.drop_equal\)/if (left_out)/

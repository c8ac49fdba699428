# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a failed write ends the run.
# In: lib/merge/merge.c
# Found by: cs2-origin-write-fails
s/^( *)\(void\)snap_window_wait\(ahead, NULL\);/\1if (status == SNAP_E_IO) status = SNAP_OK; &/

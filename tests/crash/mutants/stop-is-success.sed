# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a stopped window is not committed.
# In: lib/merge/merge.c
# Found by: cs1-stopped
s/^( *)\(void\)snap_window_wait\(ahead, NULL\);/\1if (status == SNAP_E_STOPPED) status = SNAP_OK; &/

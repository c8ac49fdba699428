# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a window's own data are written, not those read ahead.
# In: lib/merge/merge.c
# Found by: cs1-two-areas-by-8
s/snap_copy_write\(plan, merge->origin, window->buffer,/snap_copy_write(plan, merge->origin, merge->windows[window == merge->windows].buffer,/

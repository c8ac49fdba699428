# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: COW data that could not be read are not written.
# In: lib/merge/window.c
# Found by: cs1-cow-read-fails
s/window->status = snap_copy_read\(/(void)snap_copy_read(/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a cut counts only once it is written.
# In: lib/store/list_cut.c
# Found by: cs2-cow-write-fails
/^enum snap_status snap_list_cut/,/^}/s/status = snap_io_write\(/(void)snap_io_write(/

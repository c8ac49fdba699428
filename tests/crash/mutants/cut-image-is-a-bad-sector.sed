# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what was cut off an image is no bad sector.
# In: lib/io/shrunk.c
# With: test_file
# Found by: test_cut_file
s/sys_errno = ESTALE/sys_errno = EIO/

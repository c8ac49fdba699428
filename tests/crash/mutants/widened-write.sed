# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a write that is not of whole blocks is refused, and its neighbours are left alone.
# In: lib/io/file_transfer.c
# With: test_file
# Found by: test_loop_device
s/range_aligned \|\| request->kind == SNAP_IO_READ \? ROUTE_BOUNCE : ROUTE_REFUSED/ROUTE_BOUNCE/

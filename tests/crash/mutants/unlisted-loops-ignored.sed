# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: where nobody can list the loop devices, no image is taken for free.
# In: lib/device/claim.c
# With: other_names.bats
# Found by: without sysfs the loop devices themselves are asked; without that and /proc nothing is written
s/status = snap_loops_read\(&taking\.loops, &reason\);/(void)snap_loops_read(\&taking.loops, \&reason), status = SNAP_OK;/

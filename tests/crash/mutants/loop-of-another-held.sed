# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what is held as another name of the origin is that loop device, and no other.
# In: lib/device/claim.c
# With: other_names.bats
# Found by: another loop device of the origin that has no node, or somebody else's, cannot be held: refused
s/ \|\| st\.st_rdev != loop->device\.device_number//

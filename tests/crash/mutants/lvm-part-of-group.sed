# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: without all physical volumes nobody knows which metadata are the newest, and nothing is written.
# In: lib/lvm/group_refuse.c
# With: test_group
# Found by: all_devices_of_the_group_are_needed_for_writing
s/i < group->metadata->pv_count && status == SNAP_OK/i < group->metadata->pv_count \&\& status != SNAP_OK/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an entry that was given up is dropped by a rerun, and no sound one instead of it.
# In: lib/repair/entries.c
# With: explore-repair
# Found by: past-the-end-one
s/snap_layout_areas_on_device\(layout\) \+ 1\)/snap_layout_areas_on_device(layout))/

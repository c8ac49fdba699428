# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: entries whose data a larger device may have had speak against those that would be put right.
# In: lib/repair/own_chunk.c
# With: test_repair
# Found by: test_random_damage
s/!snap_layout_is_area_chunk\(layout, chunk\) \&\&/false \&\&/

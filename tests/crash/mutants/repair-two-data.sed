# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a move does not change which of several entries for a chunk is the last.
# In: lib/repair/entries.c
# With: explore-repair
# Found by: keep-last
s/return step == SAME_DATA \? damaged->kept_chunk : damaged->new_chunk;/return damaged->new_chunk;/

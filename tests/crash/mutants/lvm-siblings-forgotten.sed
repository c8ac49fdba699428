# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: all snapshots that LVM knows of an origin keep what they show.
# In: tools/merge/siblings.c
# With: volumes_merge.bats
# Found by: the other snapshot of the origin shows what it showed, without being named
s/job\.entries > 0 && accepted\)/job.entries > 0 \&\& !accepted)/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an entry that is put right is seen beside its rivals before one of them is moved.
# In: lib/repair/repair.c
# With: explore-repair
# Found by: top-byte
s/    if \(status != SNAP_OK \|\| enough\)/    if (status != SNAP_OK || work->repair->restores)/

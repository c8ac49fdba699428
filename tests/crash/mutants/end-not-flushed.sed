# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: areas that were zeroed last are durable when the merge counts as done.
# In: merge.c
# With: faults
# Found by: bad area and more
s/if \(status == SNAP_OK && merge->unflushed\)/if (false)/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a COW that is kept is not written to.
# In: lib/merge/merge.c
# Found by: cs2-keep-cow
s/if \(status == SNAP_OK && !options->keep_cow\)/if (status == SNAP_OK)/
s/if \(status != SNAP_OK \|\| options->keep_cow\)/if (status != SNAP_OK)/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an image that somebody has cut is not written to, or it would grow again.
# In: lib/io/shrunk.c
# With: test_file
# Found by: test_cut_file
s/if \(opened->block_device \|\| !writes\)/if (true)/

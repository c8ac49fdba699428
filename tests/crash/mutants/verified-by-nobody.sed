# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what does not read back as it was written ends the merge.
# In: lib/merge/compare_load.c
# With: explore-wide
# Found by: verify-lie
s/if \(same_bytes < piece->length_bytes\)/if (false)/

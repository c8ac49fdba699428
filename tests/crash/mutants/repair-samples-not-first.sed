# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: samples of lost entries are forgotten durably before the list goes on.
# In: lib/repair/repair.c
# With: explore-repair
# Found by: ended-with-samples
/^enum snap_status snap_repair_forget_samples\(/,/^}/s/    snap_edits_barrier\(edits\);/    (void)edits;/

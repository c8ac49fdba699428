# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a list that cannot be read again says nothing of its entries.
# In: lib/check/repeats.c
# With: test_repeats
# Found by: a_list_that_can_no_longer_be_read_fails
/^enum snap_status snap_repeats_find\(/,/^}/s/^        status = run_passes\(/        (void)run_passes(/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: areas that are dead because of the list are zero before the list is cut.
# In: lib/merge/merge.c
# With: test_merge
# Found by: test_exact_order_with_leftovers
/^static enum snap_status zero_leftovers\(/,/^}/s/if \(merge->options->keep_cow/if (true || merge->options->keep_cow/

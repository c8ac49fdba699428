# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a rate holds within a request, too.
# In: lib/merge/copy.c
# With: test_copy
# Found by: test_rate_below_a_request
s/count == 1 && length_bytes > piece_bytes_max\(copy\)/false/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a window holds no more than some seconds of work at the rate.
# In: lib/merge/pace.c
# With: test_merge
# Found by: test_rate
s/limit = snap_min\(limit, options->rate_bytes \/ .*/;/

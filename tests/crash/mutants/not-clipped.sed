# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: nothing is written behind the end of the origin.
# In: lib/merge/plan.c
# Found by: cs2-odd-origin
s/return offset_bytes >= plan->origin_bytes \? 0 : .*/return plan->slice_bytes;/

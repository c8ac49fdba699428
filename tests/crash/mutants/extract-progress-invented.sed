# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the progress of --extract is what was done.
# In: tools/output/write.c
# With: inspect.bats
# Into: snapinspect
# Found by: --extract: progress counts what is written, of the whole view
s/"write", done_bytes, total_bytes/"write", total_bytes, total_bytes/

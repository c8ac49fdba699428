# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the progress of --extract is what was done.
# In: tools/inspect/extract.c
# With: inspect.bats
# Found by: --extract: progress counts what is written, of the whole view
s/"extract", done_bytes, total_bytes/"extract", total_bytes, total_bytes/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what is on a device is read past the page cache.
# In: lib/io/open.c
# With: inspect.bats
# Into: snapinspect
# Found by: what is on a device is read past the page cache, which may be older
/^static enum snap_status open_block\(/,/^}/s/flags \| O_DIRECT/flags/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: while entries come back, the list has an end that was looked at.
# In: lib/repair/restore.c
# With: test_restore
# Found by: test_end_is_looked_at
s/^           behind->slots\[behind->count - 1\]\.fits;/           false;/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a batch of areas is looked at when all of it was read
# In: lib/store/list_walk.c
# With: test_list_walk
# Found by: test_long_list
s/(snap_worker_wait_until\(&walk->reader, walk->ahead) - 1\)/\1)/

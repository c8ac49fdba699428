# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the old bytes are durable before the first write of a repair.
# In: lib/base/new_file.c
# With: repair_back.bats
# Found by: the old bytes and their name are durable before the first write, and the store at the end
# Into: snapcheck
s/if \(fsync\(file->fd\) != 0\)/if (file->fd < 0)/

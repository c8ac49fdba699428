# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: the stores whose views are kept share their part of the memory.
# In: tools/merge/preserve.c
# With: preserve.bats
# Found by: all other stores together have a quarter of the memory
s|/ MEMORY_SHARE / expected,|/ MEMORY_SHARE,|

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a repair goes on until nothing is left that it may mend.
# In: lib/repair/repair.c
# With: test_repair
# Found by: test_duplicates_without_an_end
s/^#define ROUNDS_MAX 16u/#define ROUNDS_MAX 1u/

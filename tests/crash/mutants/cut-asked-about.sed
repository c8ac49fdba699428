# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: nobody is asked about another store whose list looks cut: it would be overwritten.
# In: tools/merge/preserve.c
# With: preserve.bats
# Found by: a store whose list looks cut: refused
s/&sibling->check, true, &leftover_areas_end/\&sibling->check, false, \&leftover_areas_end/

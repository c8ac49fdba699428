# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: each entry that stays because it is bad is told.
# In: lib/merge/merge.c
# With: faults
# Found by: bad, moved across areas
s/options->bad && i < merge->bad\.confirmed/options->bad \&\& i + 1 < merge->bad.confirmed/

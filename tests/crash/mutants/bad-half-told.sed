# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: each entry that stays because it is bad is told.
# In: merge.c
# With: faults
# Found by: bad, moved across areas
s/options->bad && i < merge->bad\.settled/options->bad \&\& i + 1 < merge->bad.settled/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an area that begins with a copy of a moved entry is zeroed as well, or looks cut off when all is merged.
# In: lib/check/duplicates.c
# With: explore-wide
# Found by: bad-last
s/sets->dead \|= .*;/(void)is_first;/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: behind the areas that a growing list enters, the next one is zeroed.
# In: lib/store/list_append.c
# With: test_list_append
# Found by: test_area_behind_the_last
s/end_area > first_area && /false \&\& /

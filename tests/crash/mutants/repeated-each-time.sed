# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an entry that stands in the list several times is merged once.
# In: lib/merge/window.c
# With: test_merge_repeated
# Found by: test_repeated_entries_are_merged_once
s/window->repeated && i < count/false/

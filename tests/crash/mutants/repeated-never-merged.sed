# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an entry that stands in the list several times is merged where it stands first.
# In: lib/check/repeated.c
# With: test_merge_repeated
# Found by: test_repeated_entries_are_merged_once
s/index_next - 1 < index/index_next - 1 <= index/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: each window's entries are checked again.
# In: lib/merge/window.c
# Found by: cs1-list-changes
s/window->status = check_entries\(window, entries, all, &window->err\);/(void)check_entries(window, entries, all, \&window->err);/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: what a failed read left in memory says nothing about the pair.
# In: lib/check/evidence.c
# With: test_evidence
# Found by: what_a_failed_read_leaves_is_no_evidence
s/memset\(at, 0, \(size_t\)step_bytes\);/;/

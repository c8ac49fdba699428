# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a stop while it is asked about a list that looks cut is told as a stop, and not as a refusal.
# In: tools/shared/pair.c
# With: resume.bats
# Found by: stopped at the question about a list that looks cut: the same
/case CLI_ANSWER_STOPPED:/,/return/s/return snap_fail\(.*\);/break;/

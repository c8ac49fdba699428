# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a stop while a question waits ends the run.
# In: tools/merge/prepare.c
# With: resume.bats
# Found by: stopped at the question: exit 32 and nothing was written
/case CLI_ANSWER_STOPPED:/,/return/s/return snap_fail\(.*\);/return SNAP_OK;/
s/status == SNAP_OK && cli_stop_wanted\(\)/false/

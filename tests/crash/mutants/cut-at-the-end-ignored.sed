# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a device that is smaller at the end is a failure, also where nothing reads what is gone.
# In: tools/shared/moved.c
# With: moved.bats
# Found by: an undo store that is cut when it was needed no more: no line to take the merge back
s/cli->failure\.status == SNAP_E_CHANGED/true/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an output that was not closed without an error does not get its name.
# In: tools/output/write.c
# With: injected.bats
# Found by: an error at close is told, and what is not closed does not get its name
/^static enum snap_status finish_output\(/,/^}/s/status != SNAP_OK \|\| output->kind != OUTPUT_IMAGE/output->kind != OUTPUT_IMAGE/

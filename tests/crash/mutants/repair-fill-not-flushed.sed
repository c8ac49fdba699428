# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: slots that are filled are durable before the list goes on over them.
# In: lib/repair/restore.c
# With: explore-repair
# Found by: ended-by-units
/^static enum snap_status plan_writes\(/,/^}/{/status = add_unit\(behind, i, err\);/{n;s/    snap_edits_barrier\(behind->edits\);/    (void)status;/}}

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a checkpoint claims only what is durable.
# In: lib/merge/merge.c
# Found by: cs2-keep-cow
/^static enum snap_status commit\(/,/^}/{
s/enum snap_status status = flush_origin\(merge, err\);/enum snap_status status = SNAP_OK;/
s/return options->checkpoint \? (.*) : SNAP_OK;/return (options->checkpoint ? \1 : SNAP_OK) == SNAP_OK ? flush_origin(merge, err) : SNAP_E_IO;/
}

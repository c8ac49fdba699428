# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a checkpoint claims only what is durable.
# In: merge.c
# Found by: cs2-keep-cow
/^static enum snap_status commit\(/,/^}/{
s/enum snap_status status = snap_io_flush\(merge->origin, err\);/enum snap_status status = merge->options->keep_cow ? commit_kept(merge, range, err) : SNAP_OK;/
s/result->origin_flushes\+\+;/if (status == SNAP_OK) status = snap_io_flush(merge->origin, err);/
s/return commit_kept\(merge, range, err\);/return SNAP_OK;/
}

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: each unit of a cut is durable before the one in front of it is cleared.
# In: lib/store/list_cut.c
# Found by: cs2-by-40
s/status = snap_io_flush\(store->io, err\); \/\* before.*/status = is_last ? snap_io_flush(store->io, err) : SNAP_OK;/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a cut is durable before the next one, and before it is reported.
# In: lib/store/list_cut.c
# Found by: cs1-two-areas-by-8
s/status = snap_io_flush\(store->io, err\); \/\* before.*/status = is_last ? SNAP_OK : snap_io_flush(store->io, err);/

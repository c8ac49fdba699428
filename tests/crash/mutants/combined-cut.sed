# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: no write of a cut is larger than what is written whole or not at all.
# In: lib/store/list_cut.c
# Found by: cs2-by-40
s/const uint64_t unit_bytes = snap_header_unit_bytes\(store\);/const uint64_t unit_bytes = store->layout.chunk_bytes;/

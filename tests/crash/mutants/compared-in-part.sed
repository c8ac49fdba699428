# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: data are equal only if all sectors are.
# In: lib/merge/plan.c
# Found by: cs8-keep-cow
s/memcmp\(buffer \+ place_bytes, found \+ place_bytes, \(size_t\)length_bytes\)/memcmp(buffer + place_bytes, found + place_bytes, length_bytes ? SNAP_SECTOR_BYTES : 0)/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: an emptied store keeps its fingerprint while an undo store may bring its entries back.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: fingerprint-undo
s/merge->list_end\.length == 0 && !options->keep_fingerprint/merge->list_end.length == 0/

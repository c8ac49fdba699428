# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: of an origin image the end that is no whole sector is not read for another store.
# In: lib/merge/sibling.c
# With: test_sibling
# Found by: test_partial_last_chunk
s/sibling->options\.origin_bytes = snap_round_down\(.*\);/;/

# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: --keep-cow writes nothing to the COW, not to its fingerprint either.
# In: lib/merge/merge.c
# With: explore-wide
# Found by: fingerprint-kept
s/^    if \(!options->keep_cow\)$/    if (true)/

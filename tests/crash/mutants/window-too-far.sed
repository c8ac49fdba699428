# SPDX-License-Identifier: GPL-2.0-or-later
# Breaks: a window ends where the one before it began.
# In: lib/merge/window.c
# Found by: cs1-two-areas-by-8
s/next->end = done->first;/next->end = done->first < done->end ? done->first - (done->first > 0) : done->first;/

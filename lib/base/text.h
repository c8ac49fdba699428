/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of bounded length: how much of a string fits without splitting a character. */
#ifndef DMSNAP_BASE_TEXT
#define DMSNAP_BASE_TEXT

#include <stddef.h>

/* The length of the longest prefix of at most `limit` bytes that does not split a UTF-8 sequence. */
size_t snap_text_prefix(const char *text, size_t limit);

#endif

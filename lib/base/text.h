/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of bounded length: how much of a string fits, and names as /proc writes them. */
#ifndef DMSNAP_BASE_TEXT
#define DMSNAP_BASE_TEXT

#include <stddef.h>

/* The length of the longest prefix of at most `limit` bytes that does not split a UTF-8 sequence. */
size_t snap_text_prefix(const char *text, size_t limit);

/* Decodes in place what /proc writes for white space and backslashes in names: \ooo, three octal digits. */
void snap_text_decode_octal(char *name);

#endif

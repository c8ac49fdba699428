/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text of bounded length: how much of a string fits, quotes around it, and names as /proc writes them. */
#ifndef DMSNAP_BASE_TEXT
#define DMSNAP_BASE_TEXT

#include <stddef.h>
#include <stdint.h>

/* The length of the longest prefix of at most `limit` bytes that does not split a UTF-8 sequence. */
size_t snap_text_prefix(const char *text, size_t limit);

/*
 * Shortens the text in place to at most `limit` bytes (8 or more) where it is longer: "..." takes the place of its
 * middle, so that what it begins with and what it ends with stay. No UTF-8 sequence is split.
 */
void snap_text_cut_middle(char *text, size_t limit);

/*
 * The text in double quotes, with a backslash in front of each quote and backslash in it, so that it cannot be taken
 * for what stands around it. `out` has room for `out_bytes`, 2 for each byte of the text and 3 more; what does not fit
 * is left out, never the last quote. Returns `out`.
 */
const char *snap_text_quote(const char *text, char *out, size_t out_bytes);

/* The form of a word that fits the count: "1 entry lies", "2 entries lie". */
const char *snap_text_form(uint64_t count, const char *one, const char *many);

/* Decodes in place what /proc writes for white space and backslashes in names: \ooo, three octal digits. */
void snap_text_decode_octal(char *name);

#endif

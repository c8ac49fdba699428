/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Judges printed text: is it harmless for a terminal, and is it JSON? Shares no code with lib/ and tools/. */
#ifndef DMSNAP_TEST_FUZZ_PLAIN_H
#define DMSNAP_TEST_FUZZ_PLAIN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether all of it is UTF-8 without control characters (of C0, DEL and C1; line ends are fine) and without those that
 * turn the direction of text. *at is the first byte that is not.
 */
bool plain_is_harmless(const char *text, size_t length, size_t *at);

/* Whether it is one JSON value with white space around it (RFC 8259), or several, one for each line. */
bool plain_is_json(const char *text, size_t length);
bool plain_is_json_lines(const char *text, size_t length);

#endif

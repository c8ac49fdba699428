/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes bytes from a device or a command line harmless for a terminal or for JSON. */
#ifndef DMSNAP_TOOLS_CLI_ESCAPE
#define DMSNAP_TOOLS_CLI_ESCAPE

#include <stdbool.h>
#include <stddef.h>

enum cli_escape_for {
    CLI_ESCAPE_TERMINAL, /* control characters, DEL, C1, line and bidi controls, invalid UTF-8 */
    CLI_ESCAPE_JSON      /* invalid UTF-8 only: the JSON writer escapes the rest in its own way */
};

/*
 * A new NUL-terminated copy of `length` bytes, each unwanted byte replaced by \xNN (two capital hex digits). NULL
 * where memory is short. Free it with free().
 */
char *cli_escape(const char *bytes, size_t length, enum cli_escape_for purpose);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes bytes from a device or a command line harmless for a terminal or for JSON. */
#ifndef DMSNAP_TOOLS_CLI_ESCAPE
#define DMSNAP_TOOLS_CLI_ESCAPE

#include <stdbool.h>
#include <stddef.h>

enum cli_escape_for {
    CLI_ESCAPE_TERMINAL, /* what a terminal would act on, or not show: see below */
    CLI_ESCAPE_JSON      /* invalid UTF-8 only: cli_escape_json_text does the rest, on the whole text */
};

/*
 * A new NUL-terminated copy of `length` bytes, each unwanted byte replaced by \xNN (two capital hex digits). NULL
 * where memory is short. Free it with free().
 *
 * For a terminal these are unwanted: controls (C0, DEL, C1), what ends a line or changes its direction, what is not
 * seen (joiners, selectors, tags), and bytes that are no character in the codeset of the locale.
 *
 * Different bytes never look alike: a backslash in front of what looks like such an escape (x and two capital hex
 * digits) is escaped, too. No other backslash is, so that a line for pasting stays what a shell reads back (quote.h),
 * and so a text is escaped once, as a whole, when it is printed.
 */
char *cli_escape(const char *bytes, size_t length, enum cli_escape_for purpose);

/*
 * A new copy of a JSON text in which all that is unwanted on a terminal is written as \uXXXX: a reader of JSON gets the
 * same strings. Where the locale's codeset is not UTF-8, that is everything beyond ASCII. NULL where memory is short.
 */
char *cli_escape_json_text(const char *json, size_t length);

#endif

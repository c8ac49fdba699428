/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a path in a way that a shell reads back as the same path: for lines that a user may paste. */
#ifndef DMSNAP_TOOLS_CLI_QUOTE
#define DMSNAP_TOOLS_CLI_QUOTE

/* By value, so that it can stand in an argument list. The room is for PATH_MAX bytes, each of them escaped. */
struct cli_quoted {
    char text[4 * 4096 + 4];
};

/*
 * The path itself where it has only harmless characters; else in single quotes; and in $'...' with octal escapes where
 * a terminal would not show it as it is (escape.h), so that the line still names the same path after it was escaped.
 */
struct cli_quoted cli_quote(const char *path);

#endif

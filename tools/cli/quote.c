/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes a path in a way that a shell reads back as the same path: for lines that a user may paste. */
#include "tools/cli/quote.h"

#include "tools/cli/escape.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM (sizeof ((struct cli_quoted *)0)->text)

/* Whether the line is printed with other bytes than these. Without memory to find out, the answer is the safe one. */
static bool is_escaped(const char *path)
{
    char *escaped = cli_escape(path, strlen(path), CLI_ESCAPE_TERMINAL);
    const bool differs = !escaped || strcmp(escaped, path) != 0;

    free(escaped);
    return differs;
}

/* '...', in which only the quote itself needs care. */
static void quote_plainly(const char *path, char *out)
{
    size_t used = 0;

    out[used++] = '\'';
    for (; *path != '\0' && used + 6 < ROOM; path++) { /* room for '\'' and the end */
        if (*path == '\'') {
            memcpy(out + used, "'\\''", 4);
            used += 4;
        } else {
            out[used++] = *path;
        }
    }
    out[used++] = '\'';
    out[used] = '\0';
}

/* $'...', all of it in printable ASCII. */
static void quote_bytes(const char *path, char *out)
{
    size_t used = 2;

    memcpy(out, "$'", 2);
    for (; *path != '\0' && used + 6 < ROOM; path++) {
        const unsigned char byte = (unsigned char)*path;

        if (byte < 0x20 || byte > 0x7e || byte == '\'' || byte == '\\')
            used += (size_t)sprintf(out + used, "\\%03o", byte);
        else
            out[used++] = (char)byte;
    }
    out[used++] = '\'';
    out[used] = '\0';
}

static struct cli_quoted quote(const char *path)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    struct cli_quoted result;

    if (path[0] != '\0' && path[strspn(path, plain)] == '\0' && strlen(path) < ROOM)
        (void)snprintf(result.text, sizeof result.text, "%s", path);
    else if (is_escaped(path))
        quote_bytes(path, result.text);
    else
        quote_plainly(path, result.text);
    return result;
}

struct cli_quoted cli_quote(const char *path)
{
    struct cli_quoted result;
    char *below;

    if (path[0] != '-')
        return quote(path);
    /* Programs take a name that begins with a dash for an option. */
    if (asprintf(&below, "./%s", path) < 0)
        return quote(path);
    result = quote(below);
    free(below);
    return result;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables in a build without libsmartcols: widths are fixed, so a wide cell makes its own line longer. */
#include "tools/cli/escape.h"
#include "tools/cli/streams.h"
#include "tools/cli/table_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct cli_table_lines {
    const struct cli_column *columns;
    const size_t *places;
    size_t places_count;
    bool raw;
    bool heading; /* is still to be printed */
    FILE *out;
};

enum snap_status cli_table_lines_open(const struct cli_column *columns, const size_t *places, size_t places_count,
                                      const struct cli_table_style *style, FILE *out, struct cli_table_lines **lines,
                                      struct snap_error *err)
{
    struct cli_table_lines *made = malloc(sizeof *made);

    if (!made)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for the table");
    *made = (struct cli_table_lines){.columns = columns, .places = places, .places_count = places_count,
                                     .raw = style->raw, .heading = !style->noheadings, .out = out};
    *lines = made;
    return SNAP_OK;
}

/* A cell of --raw is ASCII without blanks and can be read back; NULL where memory is short. Free it. */
static char *raw_text(const char *cell)
{
    char *text = malloc(4 * strlen(cell) + 1), *end = text;

    for (; text && *cell; cell++) {
        const unsigned char byte = (unsigned char)*cell;

        if (byte <= ' ' || byte >= 0x7f || byte == '\\')
            end += sprintf(end, "\\x%02x", byte);
        else
            *end++ = *cell;
    }
    if (text)
        *end = '\0';
    return text;
}

/* Columns on a terminal; each character is taken for one of them. */
static size_t width_of(const char *text)
{
    size_t width = 0;

    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80; /* not inside a character of UTF-8 */
    return width;
}

static void print_text(const struct cli_table_lines *lines, size_t place, const char *text)
{
    const struct cli_column *column = &lines->columns[lines->places[place]];
    const bool last = place + 1 == lines->places_count;
    const size_t wanted = column->width > strlen(column->name) ? column->width : strlen(column->name);
    const size_t width = width_of(text);
    const int pad = lines->raw || width >= wanted ? 0 : (int)(wanted - width);

    if (column->right && !(last && width == 0))
        (void)fprintf(lines->out, "%*s", pad, "");
    (void)fputs(text, lines->out);
    if (!column->right && !last)
        (void)fprintf(lines->out, "%*s", pad, "");
    (void)fputc(last ? '\n' : ' ', lines->out);
}

static bool print_cell(const struct cli_table_lines *lines, size_t place, const char *cell)
{
    char *text = lines->raw ? raw_text(cell) : cli_escape(cell, strlen(cell), CLI_ESCAPE_TERMINAL);

    if (text)
        print_text(lines, place, text);
    free(text);
    return text;
}

enum snap_status cli_table_lines_add(struct cli_table_lines *lines, const char *const *cells, struct snap_error *err)
{
    errno = 0;
    for (size_t i = 0; lines->heading && i < lines->places_count; i++)
        print_text(lines, i, lines->columns[lines->places[i]].name);
    lines->heading = false;
    for (size_t i = 0; i < lines->places_count; i++) {
        const char *cell = cells[lines->places[i]];

        if (!print_cell(lines, i, cell ? cell : ""))
            return snap_fail(err, SNAP_E_NOMEM, "out of memory for the table");
    }
    if (ferror(lines->out))
        return cli_stream_fail(lines->out, "the table cannot be written", err);
    return SNAP_OK;
}

enum snap_status cli_table_lines_finish(struct cli_table_lines *lines, struct snap_error *err)
{
    errno = 0;
    if (fflush(lines->out) != 0 || ferror(lines->out))
        return cli_stream_fail(lines->out, "the table cannot be written", err);
    return SNAP_OK;
}

void cli_table_lines_free(struct cli_table_lines *lines)
{
    free(lines);
}

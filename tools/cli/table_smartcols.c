/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lays tables out in bounded memory; the only user of libsmartcols. */
#include "tools/cli/escape.h"
#include "tools/cli/streams.h"
#include "tools/cli/table_private.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_ROWS 1000

struct cli_table_lines {
    const struct cli_column *columns;
    const size_t *places;
    size_t places_count;
    struct libscols_table *batch;
    unsigned batch_rows;
    size_t *widths; /* of the first batch, once it is printed */
    bool raw;
    bool noheadings;
    FILE *out;
};

static enum snap_status no_memory(struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM, "out of memory for the table");
}

/* Makes a column at least `width` wide. libsmartcols ignores a strict hint that is not wider than the heading. */
static int set_width(struct libscols_column *column, size_t width, size_t heading)
{
    if (width <= heading)
        return 0;
    if (scols_column_set_whint(column, (double)width) != 0)
        return -1;
    return scols_column_set_flags(column, scols_column_get_flags(column) | SCOLS_FL_STRICTWIDTH);
}

/*
 * Everything that would make the output depend on where it goes is off: no cutting, no colours, no terminal width. The
 * first batch has headings; in later ones their text is empty, since versions of libsmartcols differ in whether a
 * heading that is not printed makes its column wide.
 */
static bool make_batch(struct cli_table_lines *lines)
{
    const bool first = !lines->widths;

    lines->batch = scols_new_table();
    if (!lines->batch || scols_table_set_stream(lines->batch, lines->out) != 0 ||
        scols_table_set_termforce(lines->batch, SCOLS_TERMFORCE_NEVER) != 0 ||
        scols_table_enable_raw(lines->batch, lines->raw) != 0 ||
        scols_table_enable_noheadings(lines->batch, lines->noheadings || !first) != 0)
        return false;
    /*
     * Cells are escaped here, so a second time would spoil them; raw mode has its own way and cannot be told not
     * to.
     */
    if (scols_table_enable_noencoding(lines->batch, !lines->raw) != 0)
        return false;
    for (size_t i = 0; i < lines->places_count; i++) {
        const struct cli_column *column = &lines->columns[lines->places[i]];
        const char *heading = first ? column->name : "";
        struct libscols_column *made = scols_table_new_column(lines->batch, heading, 0,
                                                              column->right ? SCOLS_FL_RIGHT : 0);

        if (!made || set_width(made, first ? column->width : lines->widths[i], strlen(heading)) != 0)
            return false;
    }
    return true;
}

/* The first batch decides the widths; the following ones take them over. */
static enum snap_status fix_widths(struct cli_table_lines *lines, struct snap_error *err)
{
    size_t *widths = calloc(lines->places_count, sizeof *widths);

    if (!widths)
        return no_memory(err);
    for (size_t i = 0; i < lines->places_count; i++)
        widths[i] = scols_column_get_width(scols_table_get_column(lines->batch, i));
    lines->widths = widths;
    scols_unref_table(lines->batch);
    return make_batch(lines) ? SNAP_OK : no_memory(err);
}

static enum snap_status print_batch(struct cli_table_lines *lines, struct snap_error *err)
{
    int result;

    if (lines->batch_rows == 0)
        return SNAP_OK;
    errno = 0;
    result = scols_print_table(lines->batch);
    if (ferror(lines->out))
        return cli_stream_fail(lines->out, "the table cannot be written", err);
    if (result != 0)
        return no_memory(err);
    scols_table_remove_lines(lines->batch);
    lines->batch_rows = 0;
    return lines->widths ? SNAP_OK : fix_widths(lines, err);
}

static bool set_cell(const struct cli_table_lines *lines, struct libscols_line *line, size_t place, const char *cell)
{
    char *text;

    if (!cell)
        return true;
    if (lines->raw)
        return scols_line_set_data(line, place, cell) == 0;
    text = cli_escape(cell, strlen(cell), CLI_ESCAPE_TERMINAL);
    if (!text)
        return false;
    if (scols_line_refer_data(line, place, text) == 0)
        return true;
    free(text);
    return false;
}

enum snap_status cli_table_lines_open(const struct cli_column *columns, const size_t *places, size_t places_count,
                                      const struct cli_table_style *style, FILE *out, struct cli_table_lines **lines,
                                      struct snap_error *err)
{
    struct cli_table_lines *made = calloc(1, sizeof *made);

    if (!made)
        return no_memory(err);
    made->columns = columns;
    made->places = places;
    made->places_count = places_count;
    made->raw = style->raw;
    made->noheadings = style->noheadings;
    made->out = out;
    if (!make_batch(made)) {
        cli_table_lines_free(made);
        return no_memory(err);
    }
    *lines = made;
    return SNAP_OK;
}

enum snap_status cli_table_lines_add(struct cli_table_lines *lines, const char *const *cells, struct snap_error *err)
{
    struct libscols_line *line = scols_table_new_line(lines->batch, NULL);

    if (!line)
        return no_memory(err);
    for (size_t i = 0; i < lines->places_count; i++) {
        if (!set_cell(lines, line, i, cells[lines->places[i]]))
            return no_memory(err);
    }
    lines->batch_rows++;
    return lines->batch_rows < BATCH_ROWS ? SNAP_OK : print_batch(lines, err);
}

enum snap_status cli_table_lines_finish(struct cli_table_lines *lines, struct snap_error *err)
{
    return print_batch(lines, err);
}

void cli_table_lines_free(struct cli_table_lines *lines)
{
    if (!lines)
        return;
    scols_unref_table(lines->batch);
    free(lines->widths);
    free(lines);
}

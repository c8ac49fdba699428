/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints tables of any length in bounded memory; the only user of libsmartcols. */
#include "tools/cli/table.h"

#include "tools/cli/escape.h"

#include <errno.h>
#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define BATCH_ROWS 1000

/* What is printed: place i of the output shows column places[i]. */
struct cli_table {
    const struct cli_column *columns;
    size_t columns_count;
    size_t *places;
    size_t places_count;
    struct libscols_table *batch;
    unsigned batch_rows;
    bool raw;
    bool widths_fixed; /* a batch has been printed */
    FILE *out;
};

static enum snap_status no_memory(struct snap_error *err)
{
    return snap_fail(err, SNAP_E_NOMEM, "no memory for the table");
}

/*
 * ---- which columns ---------------------------------------------------------------------------------------------
 */

static enum snap_status unknown_column(const struct cli_table *table, const char *word, size_t length,
                                       struct snap_error *err)
{
    char known[SNAP_ERROR_TEXT_BYTES] = "";
    size_t used = 0;

    for (size_t i = 0; i < table->columns_count && used < sizeof(known); i++) {
        int count = snprintf(known + used, sizeof(known) - used, " %s", table->columns[i].name);

        if (count < 0)
            break;
        used += (size_t)count;
    }
    return snap_fail(err, SNAP_E_USAGE, "unknown column '%.*s', known are:%s", (int)length, word, known);
}

static enum snap_status select_column(struct cli_table *table, const char *word, size_t length,
                                      struct snap_error *err)
{
    size_t column = 0;

    while (column < table->columns_count && (strlen(table->columns[column].name) != length ||
                                             strncasecmp(table->columns[column].name, word, length) != 0))
        column++;
    if (column == table->columns_count)
        return unknown_column(table, word, length, err);
    if (cli_table_wants(table, column))
        return snap_fail(err, SNAP_E_USAGE, "column %s is selected twice", table->columns[column].name);
    table->places[table->places_count++] = column;
    return SNAP_OK;
}

static enum snap_status select_columns(struct cli_table *table, const char *selection, struct snap_error *err)
{
    if (selection == NULL) {
        for (size_t i = 0; i < table->columns_count; i++) {
            if (!table->columns[i].extra)
                table->places[table->places_count++] = i;
        }
        return SNAP_OK;
    }
    for (;;) {
        const size_t length = strcspn(selection, ",");
        enum snap_status status = select_column(table, selection, length, err);

        if (status != SNAP_OK)
            return status;
        if (selection[length] == '\0')
            return SNAP_OK;
        selection += length + 1;
    }
}

bool cli_table_wants(const struct cli_table *table, size_t column)
{
    for (size_t i = 0; i < table->places_count; i++) {
        if (table->places[i] == column)
            return true;
    }
    return false;
}

/*
 * ---- making ----------------------------------------------------------------------------------------------------
 */

/*
 * Makes a column at least `width` wide. Where the heading is no longer printed, older versions of libsmartcols keep to
 * its width by themselves, but take a strict hint that is not more than that for none at all; newer ones need the hint.
 */
static int set_width(struct libscols_column *column, size_t width, size_t heading)
{
    if (width == 0)
        return 0;
    if (scols_column_set_whint(column, (double)width) != 0)
        return -1;
    if (width <= heading)
        return 0;
    return scols_column_set_flags(column, scols_column_get_flags(column) | SCOLS_FL_STRICTWIDTH);
}

/*
 * Everything that would make the output depend on where it goes is off: no cutting, no colours, no terminal width.
 */
static bool make_batch(struct cli_table *table, const struct cli_table_style *style)
{
    table->batch = scols_new_table();
    if (table->batch == NULL || scols_table_set_stream(table->batch, table->out) != 0 ||
        scols_table_set_termforce(table->batch, SCOLS_TERMFORCE_NEVER) != 0 ||
        scols_table_enable_raw(table->batch, style->raw) != 0 ||
        scols_table_enable_noheadings(table->batch, style->noheadings) != 0)
        return false;
    /*
     * Cells are escaped here, so a second time would spoil them; raw mode has its own way and cannot be told not
     * to.
     */
    if (scols_table_enable_noencoding(table->batch, !style->raw) != 0)
        return false;
    for (size_t i = 0; i < table->places_count; i++) {
        const struct cli_column *column = &table->columns[table->places[i]];
        struct libscols_column *made = scols_table_new_column(table->batch, column->name, 0,
                                                              column->right ? SCOLS_FL_RIGHT : 0);

        if (made == NULL || set_width(made, column->width, strlen(column->name)) != 0)
            return false;
    }
    return true;
}

enum snap_status cli_table_open(const struct cli_column *columns, size_t columns_count,
                                const struct cli_table_style *style, FILE *out, struct cli_table **table,
                                struct snap_error *err)
{
    struct cli_table *made = calloc(1, sizeof(*made));
    enum snap_status status;

    if (made == NULL)
        return no_memory(err);
    made->columns = columns;
    made->columns_count = columns_count;
    made->raw = style->raw;
    made->out = out;
    made->places = calloc(columns_count, sizeof(*made->places));
    status = made->places != NULL ? select_columns(made, style->selection, err) : no_memory(err);
    if (status == SNAP_OK && !make_batch(made, style))
        status = no_memory(err);
    if (status == SNAP_OK)
        *table = made;
    else
        cli_table_free(made);
    return status;
}

void cli_table_free(struct cli_table *table)
{
    if (table == NULL)
        return;
    scols_unref_table(table->batch);
    free(table->places);
    free(table);
}

/*
 * ---- rows ------------------------------------------------------------------------------------------------------
 */

/* The first batch decides the widths; the following ones take them over and have no headings. */
static enum snap_status fix_widths(struct cli_table *table, struct snap_error *err)
{
    for (size_t i = 0; i < table->places_count; i++) {
        struct libscols_column *column = scols_table_get_column(table->batch, i);

        const size_t width = scols_column_get_width(column);

        if (set_width(column, width, strlen(table->columns[table->places[i]].name)) != 0)
            return no_memory(err);
    }
    if (scols_table_enable_noheadings(table->batch, 1) != 0)
        return no_memory(err);
    table->widths_fixed = true;
    return SNAP_OK;
}

static enum snap_status print_batch(struct cli_table *table, struct snap_error *err)
{
    int result;

    if (table->batch_rows == 0)
        return SNAP_OK;
    errno = 0;
    result = scols_print_table(table->batch);
    if (ferror(table->out))
        return snap_fail_errno(err, errno != 0 ? errno : EIO, "the table cannot be written");
    if (result != 0)
        return no_memory(err);
    scols_table_remove_lines(table->batch);
    table->batch_rows = 0;
    return table->widths_fixed ? SNAP_OK : fix_widths(table, err);
}

static bool set_cell(const struct cli_table *table, struct libscols_line *line, size_t place, const char *cell)
{
    char *text;

    if (cell == NULL)
        return true;
    if (table->raw)
        return scols_line_set_data(line, place, cell) == 0;
    text = cli_escape(cell, strlen(cell), CLI_ESCAPE_TERMINAL);
    if (text == NULL)
        return false;
    if (scols_line_refer_data(line, place, text) == 0)
        return true;
    free(text);
    return false;
}

enum snap_status cli_table_row(struct cli_table *table, const char *const *cells, struct snap_error *err)
{
    struct libscols_line *line = scols_table_new_line(table->batch, NULL);

    if (line == NULL)
        return no_memory(err);
    for (size_t i = 0; i < table->places_count; i++) {
        if (!set_cell(table, line, i, cells[table->places[i]]))
            return no_memory(err);
    }
    table->batch_rows++;
    return table->batch_rows < BATCH_ROWS ? SNAP_OK : print_batch(table, err);
}

enum snap_status cli_table_close(struct cli_table *table, struct snap_error *err)
{
    enum snap_status status = print_batch(table, err);

    cli_table_free(table);
    return status;
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of any length: which columns are shown, and rows handed on to what prints them. */
#include "tools/cli/table_private.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What is printed: place i of the output shows column places[i]. */
struct cli_table {
    const struct cli_column *columns;
    size_t columns_count;
    size_t *places;
    size_t places_count;
    struct cli_table_lines *lines;
};

/*
 * ---- which columns ---------------------------------------------------------------------------------------------
 */

static enum snap_status unknown_column(const struct cli_table *table, const char *word, size_t length,
                                       struct snap_error *err)
{
    char known[SNAP_ERROR_TEXT_BYTES] = "";
    size_t used = 0;

    for (size_t i = 0; i < table->columns_count && used < sizeof known; i++) {
        int count = snprintf(known + used, sizeof known - used, " %s", table->columns[i].name);

        if (count < 0)
            break;
        used += (size_t)count;
    }
    return snap_fail(err, SNAP_E_USAGE, "unknown column '%.*s'; the columns are:%s", (int)length, word, known);
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
    if (!selection) {
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
 * ---- rows ------------------------------------------------------------------------------------------------------
 */

enum snap_status cli_table_open(const struct cli_column *columns, size_t columns_count,
                                const struct cli_table_style *style, FILE *out, struct cli_table **table,
                                struct snap_error *err)
{
    struct cli_table *made = calloc(1, sizeof *made);
    enum snap_status status;

    if (!made)
        return snap_fail(err, SNAP_E_NOMEM, "out of memory for the table");
    made->columns = columns;
    made->columns_count = columns_count;
    made->places = calloc(columns_count, sizeof *made->places);
    status = made->places ? select_columns(made, style->selection, err)
                          : snap_fail(err, SNAP_E_NOMEM, "out of memory for the table");
    if (status == SNAP_OK)
        status = cli_table_lines_open(columns, made->places, made->places_count, style, out, &made->lines, err);
    if (status == SNAP_OK)
        *table = made;
    else
        cli_table_free(made);
    return status;
}

void cli_table_free(struct cli_table *table)
{
    if (!table)
        return;
    cli_table_lines_free(table->lines);
    free(table->places);
    free(table);
}

enum snap_status cli_table_row(struct cli_table *table, const char *const *cells, struct snap_error *err)
{
    return cli_table_lines_add(table->lines, cells, err);
}

enum snap_status cli_table_close(struct cli_table *table, struct snap_error *err)
{
    enum snap_status status = cli_table_lines_finish(table->lines, err);

    cli_table_free(table);
    return status;
}

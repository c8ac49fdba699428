/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Prints tables of any length in bounded memory; the only user of libsmartcols. */
#ifndef DMSNAP_TOOLS_CLI_TABLE
#define DMSNAP_TOOLS_CLI_TABLE

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct cli_column {
    const char *name;  /* "OFFSET": heading, and the word for -o (any case) */
    const char *help;  /* a few words, for --help */
    unsigned width;    /* the widest cell to expect in characters; 0: the heading is wide enough */
    bool right;        /* numbers */
    bool extra;        /* printed only where -o asks for it */
};

struct cli_table_style {
    const char *selection; /* -o: "NAME,SIZE"; NULL: all columns that are not extra */
    bool raw;              /* --raw: one blank between cells, no padding; a blank inside a cell is \x20 */
    bool noheadings;
};

struct cli_table;

/*
 * SNAP_E_USAGE where the selection is empty, or names an unknown column (the text lists the known ones) or one
 * column twice. `columns` is borrowed until the table is closed. Column widths hold for the whole table: the hint,
 * the heading and the first batch of rows decide.
 */
enum snap_status cli_table_open(const struct cli_column *columns, size_t columns_count,
                                const struct cli_table_style *style, FILE *out, struct cli_table **table,
                                struct snap_error *err);

/* Whether the column (its place in `columns`) will be printed: what is not need not be computed. */
bool cli_table_wants(const struct cli_table *table, size_t column);

/*
 * Adds one row: `cells` has one text per column of `columns`, in their order, NULL for an empty one; they are
 * copied and escaped (escape.h). Prints the rows collected so far when they have become many. SNAP_E_NOMEM,
 * SNAP_E_IO.
 */
enum snap_status cli_table_row(struct cli_table *table, const char *const *cells, struct snap_error *err);

/* Prints what is left and frees, in every case. A table without rows prints nothing, not even headings. */
enum snap_status cli_table_close(struct cli_table *table, struct snap_error *err);

/* Frees without printing, after a failure; NULL is fine. */
void cli_table_free(struct cli_table *table);

#endif

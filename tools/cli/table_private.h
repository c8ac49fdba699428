/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the lines of a table are laid out and printed: by libsmartcols, or plainly in a build without it. */
#ifndef DMSNAP_TOOLS_CLI_TABLE_PRIVATE
#define DMSNAP_TOOLS_CLI_TABLE_PRIVATE

#include "tools/cli/table.h"

struct cli_table_lines;

/* `places_count` columns are printed: the one at place i is columns[places[i]]. All pointers are borrowed. */
enum snap_status cli_table_lines_open(const struct cli_column *columns, const size_t *places, size_t places_count,
                                      const struct cli_table_style *style, FILE *out, struct cli_table_lines **lines,
                                      struct snap_error *err);

/* Adds a line: the text at place i is cells[places[i]]; NULL is an empty one. The cells are copied and escaped. */
enum snap_status cli_table_lines_add(struct cli_table_lines *lines, const char *const *cells, struct snap_error *err);

/* Prints what is left. */
enum snap_status cli_table_lines_finish(struct cli_table_lines *lines, struct snap_error *err);

/* NULL is fine. */
void cli_table_lines_free(struct cli_table_lines *lines);

#endif

/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes what --help prints, from the tables of a program. */
#ifndef DMSNAP_TOOLS_CLI_HELP
#define DMSNAP_TOOLS_CLI_HELP

#include "tools/cli/program.h"

/* `options` is the whole table, those of the frame included. Errors of `out` stay in it (ferror). */
void cli_print_help(const struct cli_program *program, const struct cli_option *options, FILE *out);

#endif

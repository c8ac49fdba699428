/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a command line by a table of options; the only user of popt. */
#ifndef DMSNAP_TOOLS_CLI_OPTIONS
#define DMSNAP_TOOLS_CLI_OPTIONS

#include "lib/base/error.h"
#include "tools/cli/program.h"

/* What the options of the frame asked for: the first of the two on the command line wins, and ends the reading. */
enum cli_asked { CLI_ASKED_WORK, CLI_ASKED_HELP, CLI_ASKED_VERSION };

/*
 * The program's options and those of the frame (whose destinations lie in `cli` and the parser itself) in one
 * table. NULL where memory is short.
 */
struct cli_parser *cli_parser_new(struct cli *cli, int argc, const char *const *argv);

/* NULL is fine. Strings that were handed out end here. */
void cli_parser_free(struct cli_parser *parser);

/*
 * Reads the command line into the destinations and cli->operands, and holds it against the rules. SNAP_E_USAGE,
 * SNAP_E_NOMEM, or SNAP_E_UNSUPPORTED where this build lacks what an option needs. Where help or version was asked for,
 * nothing behind it is read and nothing is missed; only --verbose may follow --version.
 */
enum snap_status cli_parser_read(struct cli_parser *parser, enum cli_asked *asked, struct snap_error *err);

/* The whole table, ended as a program's own. */
const struct cli_option *cli_parser_options(const struct cli_parser *parser);

/* The argument that the option was given with; NULL where it was not given, or takes none. */
const char *cli_parser_argument(const struct cli_parser *parser, const char *name);

/*
 * The options that were given and that `wanted` wants, in their order and quoted for a shell, each with a blank in
 * front: " --dry-run --memory 64M". The caller frees it; NULL where memory is short.
 */
char *cli_parser_given(const struct cli_parser *parser, bool (*wanted)(const struct cli_option *option));

/*
 * The same for all that were given, with another argument where `replace` puts one into `other` (of `other_bytes`) and
 * returns true.
 */
typedef bool (*cli_parser_replace_fn)(const struct cli_option *option, const char *argument, char *other,
                                      size_t other_bytes);
char *cli_parser_replaced(const struct cli_parser *parser, cli_parser_replace_fn replace);

#endif

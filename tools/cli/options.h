/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a command line by a table of options; the only user of popt. */
#ifndef DMSNAP_TOOLS_CLI_OPTIONS
#define DMSNAP_TOOLS_CLI_OPTIONS

#include "lib/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cli;

/*
 * ---- what a program says about its options ---------------------------------------------------------------------
 */

enum cli_option_kind {
    CLI_FLAG,    /* no argument; *flag = true */
    CLI_STRINGS, /* each time it is given one more of *strings; CLI_STRINGS_MAX in a command line, over all options */
    CLI_STRING,  /* *string = the argument, never empty; lives until cli_finish */
    CLI_SIZE,    /* *number = bytes (cli_parse_size), at least `minimum`; words[0], if any, gives UINT64_MAX */
    CLI_UINT,    /* *number, at least `minimum` */
    CLI_SECONDS, /* *number, at least `minimum` */
    CLI_WORD,    /* exactly one of `words`; *word = its index */
    CLI_LIST     /* some of `words`, separated by commas: bit i of *list is set for words[i]; repeats add up */
};

#define CLI_STRINGS_MAX 16u
#define CLI_EXCLUDES_MAX 7u

struct cli_strings {
    const char *items[CLI_STRINGS_MAX];
    unsigned count;
};

/*
 * One option: the parser and --help are both made from this. The destination keeps its value where the option is
 * not given, so initialise it with the default. Options other than flags, lists and CLI_STRINGS may be given once only; a
 * second one is a usage error, as are an empty argument and a value that the strict parsers refuse.
 */
struct cli_option {
    const char *name;         /* long name without the dashes; NULL ends the table */
    char letter;              /* or 0 */
    const char *argument;     /* its name in --help ("DEV"); NULL for flags */
    const char *help;         /* one sentence, no full stop, with the default; '\n' where the line breaks */
    const char *group;        /* heading in --help; options of one group stand together */
    enum cli_option_kind kind;
    union {
        bool *flag;
        const char **string;
        struct cli_strings *strings;
        uint64_t *number;
        int *word;
        unsigned *list;
    };
    const char *const *words; /* CLI_WORD, CLI_LIST, CLI_SIZE: ends with NULL */
    uint64_t minimum;         /* CLI_SIZE, CLI_UINT, CLI_SECONDS */
    bool *given;              /* set to true where the option is given; or NULL */
    bool required;            /* a missing one is a usage error; not for flags */
};

/* Options of the same name, letter and sentence wherever they exist. */
#define CLI_OPTION_JSON(destination) \
    { .name = "json", .letter = 'J', .help = "print the result as JSON", .group = "Output", .kind = CLI_FLAG, \
      .flag = (destination) }
#define CLI_OPTION_DRY_RUN(destination) \
    { .name = "dry-run", .letter = 'n', .help = "check and show everything, write nothing", .group = "Safety", \
      .kind = CLI_FLAG, .flag = (destination) }
#define CLI_OPTION_YES(destination) \
    { .name = "yes", .letter = 'y', .help = "answer all questions with yes (never waives a refusal)", \
      .group = "Safety", .kind = CLI_FLAG, .flag = (destination) }
#define CLI_OPTIONS_END { .name = NULL }

/*
 * What the option `name` asks of others. Each rule is a line of data; the parser holds the command line against it and
 * makes the sentence, with the reason behind a colon.
 */
struct cli_option_rule {
    const char *name;                         /* without the dashes; NULL ends the table */
    const char *needs;                        /* this one has to be given, too; or NULL */
    const char *excludes[CLI_EXCLUDES_MAX + 1]; /* none of these may be given; ends with NULL */
    const char *reason;
};

#define CLI_OPTION_RULES_END { .name = NULL }

/*
 * ---- the parser ------------------------------------------------------------------------------------------------
 */

struct cli_parser;

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
 * Reads the command line into the destinations and cli->operands, and holds it against the rules. SNAP_E_USAGE, or
 * SNAP_E_NOMEM. Where help or
 * version was asked for, nothing behind it is read and nothing is missed.
 */
enum snap_status cli_parser_read(struct cli_parser *parser, enum cli_asked *asked, struct snap_error *err);

/* The whole table, ended as a program's own. */
const struct cli_option *cli_parser_options(const struct cli_parser *parser);

#endif

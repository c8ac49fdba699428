/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The frame of all four programs: options as data, --help from the same data, exit statuses, checked output. */
#ifndef DMSNAP_TOOLS_CLI_CLI
#define DMSNAP_TOOLS_CLI_CLI

#include "lib/base/error.h"
#include "tools/cli/escape.h"
#include "tools/cli/stop.h"
#include "tools/cli/talk.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * ---- exit statuses ---------------------------------------------------------------------------------------------
 */

enum cli_exit {
    CLI_EXIT_OK = 0,        /* done, clean, true */
    CLI_EXIT_CORRECTED = 1, /* snapcheck: all errors corrected; --test: false */
    CLI_EXIT_STORE = 4,     /* the store is damaged, invalid, none at all, or left with entries */
    CLI_EXIT_FAILED = 8,    /* operational error, or a refusal */
    CLI_EXIT_USAGE = 16,
    CLI_EXIT_STOPPED = 32   /* by a signal; safe, repeat to resume */
};

/* NOT_STORE, VERSION, INVALID, CORRUPT: 4. USAGE: 16. STOPPED: 32. OK: 0. All others: 8. */
int cli_exit_status(enum snap_status status);

/* The one to give of two: 32, 16, 8, 4, 1, 0 in this order. */
int cli_exit_worse(int first, int second);

/*
 * ---- options ---------------------------------------------------------------------------------------------------
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
 * ---- a program -------------------------------------------------------------------------------------------------
 */

#define CLI_OPERANDS_MAX 8

struct cli_column;

struct cli_program {
    const char *name;                  /* "snapmerge" */
    const char *purpose;               /* one sentence with a full stop */
    const char *synopsis;              /* what stands behind the name: "--origin DEV --cow DEV [OPTION...]" */
    const struct cli_option *options;  /* without -h -V -v -q, which the frame adds; ends with CLI_OPTIONS_END */
    const char *const *operand_names;  /* operands_max names, "COW"; or NULL */
    unsigned operands_min, operands_max; /* at most CLI_OPERANDS_MAX */
    const struct cli_column *columns;  /* listed in --help below the options (table.h); or NULL */
    size_t columns_count;
    const char *exit_1;                /* what status 1 means here; NULL where it is never given */
};

/* One run of a program. Filled by cli_start; read the first part, leave the second alone. */
struct cli {
    const struct cli_program *program;
    FILE *out;                         /* standard output: data */
    FILE *err;                         /* standard error: talk */
    bool verbose;
    bool quiet;
    unsigned operands_count;
    const char *operands[CLI_OPERANDS_MAX];

    int in_fd;                         /* where answers come from */
    void *parser;                      /* owns all strings that were handed out */
    void (*before_message)(void *context); /* clears a progress bar before a line of talk (progress.h) */
    void *before_message_context;
};

/* "0.1.0" */
const char *cli_version(void);

/*
 * Secures the descriptors 0 to 2 (a closed one becomes one that cannot be used: no device can land there), ignores
 * SIGPIPE (a broken pipe is a write error), sets LC_CTYPE, fills `cli` and parses the command line. True: go on
 * and do the work. False: all has been said (help, version, usage error); *exit_status says how it went. In both
 * cases cli_finish follows:
 *
 *     if (cli_start(&cli, &program, argc, argv, &exit_status))
 *         exit_status = run(&cli, &options);
 *     return cli_finish(&cli, exit_status);
 */
bool cli_start(struct cli *cli, const struct cli_program *program, int argc, const char *const *argv,
               int *exit_status);

/*
 * Flushes and closes standard output; where that fails, or any write to it has failed before, says so and returns
 * cli_exit_worse of `exit_status` and CLI_EXIT_FAILED. Frees what the parser holds.
 */
int cli_finish(struct cli *cli, int exit_status);

/* The parts of cli_start, for tests: fill and parse (`out`, `err` as given, nothing global is touched). */
bool cli_parse(struct cli *cli, const struct cli_program *program, int argc, const char *const *argv, FILE *out,
               FILE *err, int *exit_status);
void cli_free(struct cli *cli);

#endif
